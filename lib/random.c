#include <sys/random.h>

#include "random.h"

uint64_t
rtta_random(void)
{
	uint64_t number;

	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;  /* a signal, before the pool is ready */
	return number;
}
