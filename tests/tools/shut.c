/*
 * shut - cut the power of an ext4 file system and of the process on it.
 *
 * Dirty pages and the unwritten journal are gone.  The process is stopped a
 * moment before: an fsync(2) that meets the shutdown half-way may return 0
 * for what never reached the disk (jbd2_complete_transaction() finds the
 * aborted transaction no more and takes it for committed), and a machine
 * without power could not have acknowledged that.  Root only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sysexits.h>

/* Linux, fs/ext4/ext4.h */
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
enum { NO_LOG_FLUSH = 2 };

int
main(int argc, char *argv[])
{
	uint32_t how = NO_LOG_FLUSH;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: shut MOUNTPOINT PID\n");
		return EX_USAGE;
	}
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || kill((pid_t)atol(argv[2]), SIGSTOP) < 0 || ioctl(fd, EXT4_IOC_SHUTDOWN, &how) < 0) {
		perror(argv[1]);
		return EX_OSERR;
	}
	return EX_OK;
}
