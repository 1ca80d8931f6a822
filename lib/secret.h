/*
 * secret - the key of a speech service, from a file, and out of everybody's sight.
 *
 * It comes neither from argv nor from the environment, goes to no child, and
 * a process that has read one leaves no core.
 */
#ifndef RTTA_SECRET_H
#define RTTA_SECRET_H

#include <stddef.h>

struct rtta_err;

enum { RTTA_SECRET_MAX_BYTES = 4096 };

/*
 * The key called name: the file that RTTA_ENGINE_KEY_FILE names, else
 * $CREDENTIALS_DIRECTORY/NAME.key (systemd's LoadCredential=), else
 * /etc/rtta/keys/NAME.key; blanks around it do not count.  NULL with
 * EX_CONFIG naming the file, or the places.  For rtta_secret_free().
 */
char *rtta_secret_read(const char *name, struct rtta_err *err);
void rtta_secret_free(char *secret);  /* overwritten first; NULL is fine */

/* Overwrite with '*' wherever it stands in text. */
void rtta_secret_hide(const char *secret, char *text);

#endif
