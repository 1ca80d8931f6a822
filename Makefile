# rtta - GNU make, one file, everything under build/.
# CFLAGS, LDFLAGS, PREFIX, DESTDIR are the packager's: added to, never set.
VERSION    := $(shell cat VERSION)
PREFIX     ?= /usr/local
PKG_CONFIG ?= pkg-config
B          := build$(if $(SAN),-$(SAN))

BINDIR   = $(PREFIX)/bin
MANDIR   = $(PREFIX)/share/man
SHAREDIR = $(PREFIX)/share/rtta
UNITDIR  = $(PREFIX)/lib/systemd/system
LIBDIR   = $(PREFIX)/lib/rtta

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wvla -Wwrite-strings \
            -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN.tsan := -fsanitize=thread
SAN.fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DRTTA_VERSION='"$(VERSION)"' \
             -DRTTA_PREFIX='"$(PREFIX)"' -Ilib $(WARN) $(SAN.$(SAN)) $(CFLAGS)

pkg = $(shell $(PKG_CONFIG) --libs $(1))
NATS := $(call pkg,libnats)
JQ   := $(shell $(PKG_CONFIG) --libs libjq 2>/dev/null || echo -ljq)

# Libraries hang on the tool that needs them.
LDLIBS.rtta-capture   := $(call pkg,alsa soxr) $(JQ) -lm
LDLIBS.rtta-route     := $(NATS) $(JQ) -lm
LDLIBS.rtta-flush     := $(NATS) $(JQ) -lm
LDLIBS.rtta-stt       := $(NATS) $(JQ) $(call pkg,soxr libwebsockets libcurl) -lm
LDLIBS.rtta-serve     := $(NATS) $(JQ) $(call pkg,libwebsockets openssl zlib libqrencode) -lm
LDLIBS.rtta-streams   := $(NATS) $(JQ) -lm
LDLIBS.rtta-session   := $(NATS) $(JQ) -lm
LDLIBS.rtta-export    := $(NATS) $(JQ) -lm
LDLIBS.rtta-moonshine := $(JQ) -ldl -lm
# Unit tests, fuzz targets and benches see all of lib/.
LDLIBS.all := $(NATS) $(JQ) $(call pkg,alsa soxr libwebsockets openssl zlib libqrencode libcurl) -ldl -lm

TOOLS   := $(patsubst cmd/%.c,%,$(wildcard cmd/rtta-*.c))
OBJS    := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
UNITS   := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*.c))
CHECKERS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c)) \
            $(B)/tests/chaos/clock.so
BENCHES := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build-fuzz/tests/fuzz/%,$(wildcard tests/fuzz/*.c))

.PHONY: all check check-unit check-bats check-man check-lint bench chaos soak fuzz fuzzers \
        install uninstall clean help
.SECONDARY:

all: $(TOOLS:%=$(B)/%)            ## build every tool into build/ (SAN=asan|tsan: build-asan/)

$(B)/rtta-%: $(B)/cmd/rtta-%.o $(B)/librtta.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.$(@F)) $(LDLIBS)

$(B)/librtta.a: $(OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/librtta.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.all) $(LDLIBS)

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/librtta.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.all) $(LDLIBS)

$(B)/bench/%: $(B)/bench/%.o $(B)/librtta.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.all) $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# A PREFIX that is not that of the last build: what names it is built anew.
ifneq ($(file <$(B)/prefix),$(PREFIX))
$(shell mkdir -p $(B))
$(file >$(B)/prefix,$(PREFIX))
endif
$(patsubst %.c,$(B)/%.o,$(shell grep -lw RTTA_PREFIX lib/*.c cmd/*.c)): $(B)/prefix

# The wall clock that chaos steps is a library that is preloaded.
$(B)/tests/chaos/clock.so: tests/chaos/clock.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -shared -fPIC $(LDFLAGS) -o $@ $< -ldl

check: all $(UNITS) $(CHECKERS) fuzzers       ## run every test
	B=$(B) tests/run unit man lint bats

check-unit: $(UNITS)              ## unit programs only
	B=$(B) tests/run unit

check-bats: all $(CHECKERS) fuzzers           ## bats only (T="tests/bats/x.bats": some)
	B=$(B) tests/run bats $(T)

check-man:                        ## manuals only
	B=$(B) tests/run man

check-lint:                       ## shellcheck, cppcheck
	B=$(B) tests/run lint

chaos: all $(CHECKERS)               ## break everything by a seed (SEED=n MINUTES=m OPTIONS=--websocket), count every sample
	B=$(B) tests/chaos/chaos $(OPTIONS) $(or $(SEED),1) $(or $(MINUTES),5)

soak: all $(CHECKERS)                ## a day of sound as fast as it goes (HOURS=h): is memory flat?
	B=$(B) tests/chaos/soak $(or $(HOURS),24)

bench: all $(BENCHES) $(CHECKERS)             ## the figures, as ratios to a reference of the same run
	B=$(B) bench/run
	B=$(B) bench/latency

fuzz: fuzzers                     ## fuzz the parsers, RUNS inputs each (default 30000; T="frame wav")
	tests/fuzz/run $(or $(RUNS),30000) $(T)

# Everything once more, with clang: SAN=fuzz is build-fuzz/.
fuzzers:
	$(MAKE) SAN=fuzz B=build-fuzz CC=clang $(FUZZERS)

model:                            ## explore the models of the protocol with Spin
	tests/model/run

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/librtta.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS.all) $(LDLIBS)

install: all                      ## install below DESTDIR and PREFIX (default /usr/local)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(SHAREDIR)/engines $(DESTDIR)$(SHAREDIR)/web \
	    $(DESTDIR)$(UNITDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d \
	    $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 755 $(TOOLS:%=$(B)/%) $(DESTDIR)$(BINDIR)
	install -m 755 scripts/rtta-replay $(DESTDIR)$(BINDIR)
	install -m 755 scripts/install-moonshine share/nats/nats-server.sh $(DESTDIR)$(LIBDIR)
	install -m 644 share/sysusers/rtta.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 644 share/tmpfiles/rtta.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	for s in 1 5 7; do install -m 644 man/*.$$s $(DESTDIR)$(MANDIR)/man$$s; done
	install -m 644 share/engines/*.json $(DESTDIR)$(SHAREDIR)/engines
	install -m 644 share/web/* $(DESTDIR)$(SHAREDIR)/web
	for u in share/systemd/*; do \
	    sed 's|@BINDIR@|$(BINDIR)|g; s|@LIBDIR@|$(LIBDIR)|g' $$u > $(DESTDIR)$(UNITDIR)/$${u##*/} || exit; done

uninstall:                        ## remove what install put there
	rm -f $(TOOLS:%=$(DESTDIR)$(BINDIR)/%) $(DESTDIR)$(BINDIR)/rtta-replay \
	    $(DESTDIR)$(MANDIR)/man?/rtta*.? $(DESTDIR)$(UNITDIR)/rtta-* $(DESTDIR)$(UNITDIR)/rtta@.target \
	    $(DESTDIR)$(LIBDIR)/install-moonshine $(DESTDIR)$(LIBDIR)/nats-server.sh \
	    $(DESTDIR)$(PREFIX)/lib/sysusers.d/rtta.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/rtta.conf
	rm -rf $(DESTDIR)$(SHAREDIR)
	rmdir $(DESTDIR)$(LIBDIR) 2>/dev/null || :  # the offline engine may be there

clean:                            ## remove build*/
	rm -rf build build-*

help:                             ## print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

-include $(shell find $(B) -name '*.d' 2>/dev/null)
