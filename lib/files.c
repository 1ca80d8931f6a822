#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "files.h"
#include "gzip.h"
#include "mem.h"

struct rtta_files {
	struct rtta_file list[RTTA_FILES_MAX];
	size_t count;
};

static const char *
mime_of(const char *name)
{
	static const struct { const char *end, *mime; } table[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(dot, table[i].end) == 0)
			return table[i].mime;
	return NULL;
}

static void
compress_file(struct rtta_file *file)
{
	file->gzip_bytes = file->bytes;
	file->gzip = rtta_gzip(file->data, &file->gzip_bytes, RTTA_GZIP_BEST);
	if (file->gzip_bytes < file->bytes)
		return;
	free(file->gzip);
	file->gzip = NULL;
}

static int
load_file(struct rtta_files *files, const char *dir, int dir_fd, const char *name,
    struct rtta_err *err)
{
	struct rtta_file *file = &files->list[files->count];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rtta_err_sys(err, EX_NOINPUT, "%s/%s", dir, name);
	} else if (!S_ISREG(st.st_mode) || st.st_size > RTTA_FILES_MAX_BYTES) {
		rtta_err_set(err, EX_NOINPUT, "%s/%s: no file of at most %d bytes",
		    dir, name, RTTA_FILES_MAX_BYTES);
	} else {
		file->data = rtta_xcalloc(1, (size_t)st.st_size + 1);
		while ((got = read(fd, file->data + file->bytes,
		    (size_t)st.st_size - file->bytes)) > 0)
			file->bytes += (size_t)got;
		if (got < 0)
			rtta_err_sys(err, EX_NOINPUT, "%s/%s", dir, name);
	}
	if (fd >= 0)
		close(fd);
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->mime = mime_of(name);
	if (file->data != NULL) {
		rtta_http_etag(file->etag, file->data, file->bytes);
		compress_file(file);
	}
	files->count++;
	return err->exit_code == 0 ? 0 : -1;
}

struct rtta_files *
rtta_files_load(const char *dir, struct rtta_err *err)
{
	struct rtta_files *files = rtta_xcalloc(1, sizeof(*files));
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (stream == NULL)
		rc = rtta_err_sys(err, EX_NOINPUT, "the page's files: %s", dir);
	while (rc == 0 && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.' && mime_of(entry->d_name) != NULL &&
		    files->count < RTTA_FILES_MAX &&
		    strlen(entry->d_name) < RTTA_HTTP_NAME_MAX_BYTES)
			rc = load_file(files, dir, dirfd(stream), entry->d_name, err);
	if (stream != NULL)
		closedir(stream);
	if (rc == 0 && rtta_files_find(files, "index.html") == NULL)
		rc = rtta_err_set(err, EX_NOINPUT, "the page's files: no index.html in %s", dir);
	if (rc == 0)
		return files;
	rtta_files_free(files);
	return NULL;
}

void
rtta_files_free(struct rtta_files *files)
{
	if (files == NULL)
		return;
	for (size_t i = 0; i < files->count; i++) {
		free(files->list[i].data);
		free(files->list[i].gzip);
	}
	free(files);
}

const struct rtta_file *
rtta_files_find(const struct rtta_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->list[i].name, name) == 0)
			return &files->list[i];
	return NULL;
}
