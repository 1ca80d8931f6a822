/* loops: what is one, and what people really say. */
#include <stdlib.h>

#include "check.h"
#include "loops.h"
#include "mem.h"

static const struct {
	const char *text;
	double seconds;
	bool loop;
	const char *collapsed;  /* NULL: as it was */
} table[] = {
	{ "", 1, false, NULL },
	{ "It was the best of times, it was the worst of times,", 4, false, NULL },
	{ "it was the age of wisdom, it was the age of foolishness, it was the "
	  "epoch of belief, it was the epoch of incredulity, it was the season "
	  "of light, it was the season of darkness", 14, false, NULL },
	{ "Never, never, never, never give up.", 3, false, NULL },
	{ "no no no no no", 3, true, "no" },
	{ "No, no! No - no, NO.", 3, true, "No." },
	{ "bye bye, bye bye, bye bye", 6, true, "bye" },
	{ "or 8 to 6 to 6 to 6 to 6 to 7", 9, true, "or 8 to 6 to 7" },
	{ "I think that I think that I think that I think that I think", 9, true,
	  "I think that I think" },
	{ "and so on and so on", 9, false, NULL },
	{ "It was the age of a wardrobe. It was the age of a wardrobe. It was "
	  "the age of a wardrobe.", 8, true, "It was the age of a wardrobe." },
	{ "bye bye, bye bye", 3, false, NULL },
	{ "one two three four five six seven eight nine ten", 3, false, NULL },
	{ "The first is the first is the first is the first is", 10, true,
	  "The first is" },
	{ "ha-ha-ha-ha-ha-ha-ha", 5, true, "ha" },
	{ "hahahahahahahahahahahaha", 5, true, "ha" },
	{ "hahahaha", 2, false, NULL },
	{ "It cost 1,000,000,000 dollars", 3, false, NULL },
	{ "It cost 1000000000000000 dollars", 3, true, "It cost 10 dollars" },
	{ "5 5 5 0 1 2 3", 3, false, NULL },
	{ "Mississippi", 1, false, NULL },
	{ "one two three four five six seven eight nine ten eleven twelve", 1,
	  true, NULL },
	{ "incomprehensibilities notwithstanding antidisestablishmentarianism", 1,
	  true, NULL },
	{ "\xc3\xa9t\xc3\xa9 \xc3\xa9t\xc3\xa9 \xc3\xa9t\xc3\xa9 \xc3\xa9t\xc3\xa9 "
	  "\xc3\xa9t\xc3\xa9", 5, true, "\xc3\xa9t\xc3\xa9" },
	{ "... ... ... ... ... ...", 3, false, NULL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *text = rtta_xstrdup(table[i].text);

		if (rtta_loops_found(text, table[i].seconds) != table[i].loop)
			fprintf(stderr, "row %zu: ", i);
		CHECK_INT(rtta_loops_found(text, table[i].seconds),
		    table[i].loop);
		rtta_loops_collapse(text);
		CHECK_STR(text, table[i].collapsed != NULL ?
		    table[i].collapsed : table[i].text);
		free(text);
	}
	return check_result();
}
