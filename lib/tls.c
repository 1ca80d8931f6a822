#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "err.h"
#include "tls.h"

/* In a context of its own: what is used now stays whole. */
static int
check_files(const struct rtta_tls *tls, struct rtta_err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int rc = 0;

	if (context == NULL)
		return rtta_err_set(err, EX_OSERR, "openssl: no context");
	if (SSL_CTX_use_certificate_chain_file(context, tls->cert_file) != 1)
		rc = rtta_err_set(err, EX_CONFIG, "%s: no certificate", tls->cert_file);
	else if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		rc = rtta_err_set(err, EX_CONFIG, "%s: not the key of %s", tls->key_file,
		    tls->cert_file);
	SSL_CTX_free(context);
	ERR_clear_error();
	return rc;
}

static int
file_time(const char *file, struct timespec *time, struct rtta_err *err)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return rtta_err_sys(err, EX_CONFIG, "%s", file);
	*time = st.st_mtim;
	return 0;
}

static bool
equal(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int
rtta_tls_check(struct rtta_tls *tls, struct rtta_err *err)
{
	if (file_time(tls->cert_file, &tls->cert_time, err) < 0 ||
	    file_time(tls->key_file, &tls->key_time, err) < 0)
		return -1;
	return check_files(tls, err);
}

int
rtta_tls_renewed(struct rtta_tls *tls, struct rtta_err *err)
{
	struct timespec cert_time, key_time;

	if (file_time(tls->cert_file, &cert_time, err) < 0 ||
	    file_time(tls->key_file, &key_time, err) < 0)
		return -1;
	if (equal(cert_time, tls->cert_time) && equal(key_time, tls->key_time))
		return 0;
	if (check_files(tls, err) < 0)
		return -1;
	tls->cert_time = cert_time;
	tls->key_time = key_time;
	return 1;
}
