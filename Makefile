# Gistmill. `make help` lists the targets.
#
# Knobs: BUILD=dir (default build), SANITIZER=address,undefined, WERROR=1, V=1 (shows commands), CC=clang, PREFIX, DESTDIR.

VERSION := 0.1.0
PREFIX ?= /usr/local
SANITIZER ?=
comma := ,
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $(2)')
BUILD ?= build$(if $(SANITIZER),-$(subst $(comma),-,$(SANITIZER)))
# One name for one folder: dependencies (.d) that were written under another name of it would not be seen.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

PKGS := librabbitmq libcurl libxml-2.0 libpq libcjson libmicrohttpd libzstd libpsl libpcre2-8 libseccomp icu-uc icu-i18n libcrypto zlib libbrotlidec
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lstemmer -lcld2 -lm

CFLAGS ?= -O2 -g
GM_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wundef -Wpointer-arith -fno-common -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-DGM_VERSION='"$(VERSION)"' -I. -Icommon $(PKG_CFLAGS)
GM_CXXFLAGS := -std=c++17 -Wall -Wextra -I. -Icommon
# Each program is given all libraries and keeps those that it uses: gistmill runs where neither librabbitmq nor libpq is.
GM_LDFLAGS := -Wl,-z,relro,-z,now -Wl,--as-needed
ifneq ($(SANITIZER),)
  GM_CFLAGS += -fsanitize=$(SANITIZER) -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE -DGM_SANITIZER
  GM_CXXFLAGS += -fsanitize=$(SANITIZER) -fno-omit-frame-pointer
  GM_LDFLAGS += -fsanitize=$(SANITIZER)
endif
ifneq ($(WERROR),)
  GM_CFLAGS += -Werror
endif

PROGRAMS := fetcher parser summarizer writer gateway cli
# A program has the name of its folder, but for gistmill, which people type.
binary = $(BUILD)/$(patsubst cli,gistmill,$(1))
BINARIES := $(foreach p,$(PROGRAMS),$(call binary,$(p)))

COMMON_SRC := $(wildcard common/base/*.c common/line/*.c)
# main.c is left out of each program's library, so that tests link the logic without it.
lib_src = $(filter-out $(1)/main.c,$(wildcard $(1)/*.c $(1)/*/*.c $(1)/*.cc))
to_obj = $(patsubst %.cc,$(BUILD)/obj/%.o,$(patsubst %.c,$(BUILD)/obj/%.o,$(1)))
COMMON_OBJ := $(call to_obj,$(COMMON_SRC))
ALL_OBJ := $(COMMON_OBJ) $(foreach p,$(PROGRAMS),$(call to_obj,$(call lib_src,$(p)) $(p)/main.c))

UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%) $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/tests/%)

.PHONY: all unit check check-long check-compose fuzz demo bench bench-cost bench-extract bench-fetcher bench-frontier bench-gateway bench-summary \
	lint fmt clean install help
all: $(BINARIES)

include $(wildcard $(patsubst %.o,%.d,$(ALL_OBJ)))

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(GM_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(GM_CXXFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/writer/migrate.o: $(wildcard sql/*.sql)

# The web page's files, taken in by the assembler, as a table of paths.
WEB := $(sort $(wildcard gateway/web/*))
$(BUILD)/web.c: $(WEB) Makefile
	@mkdir -p $(@D)
	$(Q){ echo '#include "gateway/assets.h"'; for f in $(WEB); do echo "ASSET_FILE(web_$$(basename $$f | tr -c 'a-z0-9\n' _), \"$$f\");"; done; \
	echo 'const struct asset assets[] = {'; for f in $(WEB); do echo "ASSET_ROW(\"/$$(basename $$f)\", web_$$(basename $$f | tr -c 'a-z0-9\n' _))"; done; \
	echo '{0, 0, 0}};'; } > $@
$(BUILD)/obj/web.o: $(BUILD)/web.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GM_CFLAGS) $(CFLAGS) -c $< -o $@
$(BUILD)/libgateway.a: $(BUILD)/obj/web.o

$(BUILD)/libcommon.a: $(COMMON_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

define program_rules
$(BUILD)/lib$(1).a: $(call to_obj,$(call lib_src,$(1)))
	@rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
$(call binary,$(1)): $(BUILD)/obj/$(1)/main.o $(BUILD)/lib$(1).a $(BUILD)/libcommon.a
	$$(call say,LD,$$@)
	$$(Q)$(CXX) $(GM_LDFLAGS) $$^ -o $$@ $(PKG_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# A unit test links every library: tests/unit/test_X.c becomes $(BUILD)/tests/test_X.
TEST_LIBS := $(PROGRAMS:%=$(BUILD)/lib%.a) $(BUILD)/libcommon.a
define link_test
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(GM_CFLAGS) -Itests/unit $(CFLAGS) -c $< -o $@.o
	$(Q)$(CXX) $(GM_LDFLAGS) $(TEST_LDFLAGS) $@.o $(filter-out $<,$(filter %.o,$^)) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group -o $@ $(PKG_LIBS)
endef

$(BUILD)/tests/%: tests/unit/%.c $(TEST_LIBS)
	$(link_test) -lcmocka -lbrotlienc

# A fuzz target with a main that replays files: what is committed runs with every check.
$(BUILD)/tests/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/obj/tests/fuzz/replay.o $(TEST_LIBS)
	$(link_test)
.SECONDARY: $(BUILD)/obj/tests/fuzz/replay.o

# The same with libFuzzer's main; tests/fuzz/run gives the compiler and the sanitizers.
$(BUILD)/fuzz/fuzz_%: TEST_LDFLAGS := -fsanitize=fuzzer
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(TEST_LIBS)
	$(link_test)

# The caged child of this test attempts what the cage forbids: its extract_page is the test's own. Nothing in the program allows for it.
$(BUILD)/tests/test_extract_cage: TEST_LDFLAGS := -Wl,--wrap=extract_page

# What measurements and drivers of tests are built from: one file each, beside the libraries.
$(BUILD)/tools/extract: bench/extract.c $(TEST_LIBS)
	$(link_test)
$(BUILD)/tools/frontier: bench/frontier.c $(TEST_LIBS)
	$(link_test)
$(BUILD)/tools/summary: bench/summary.c $(TEST_LIBS)
	$(link_test)
$(BUILD)/tools/bare: bench/bare.c $(TEST_LIBS)
	$(link_test)
$(BUILD)/tools/vectors: tests/support/vectors.c $(TEST_LIBS)
	$(link_test)

unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do $$t; done

# ---- checks ----

check:
	GM_BUILD=$(BUILD) GM_SANITIZER=$(SANITIZER) tests/run

check-long:
	GM_LONG=1 GM_BUILD=$(BUILD) GM_SANITIZER=$(SANITIZER) tests/run

check-compose:
	deploy/check-compose

SECONDS ?= 60
fuzz:
	@tests/fuzz/run "$(SECONDS)" "$(FUZZ)"

lint:
	@tests/lint $(BUILD)

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cc')

# ---- use ----

export URL DEPTH LIMIT SITE KEEP
demo:
	@deploy/demo

bench:
	@bench/run

bench-extract: $(BUILD)/parser $(BUILD)/tools/extract $(BUILD)/tools/vectors
	@CORPUS=$(CORPUS) SITE=$(SITE) GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/extract.py

bench-frontier:
	@deploy/install-deps build run stack
	@$(MAKE) -s BUILD=$(BUILD) $(BUILD)/writer $(BUILD)/tools/frontier
	@GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/frontier.py

bench-summary: $(BUILD)/parser $(BUILD)/tools/summary
	@CORPUS=$(CORPUS) GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/summary.py

bench-cost: $(BUILD)/parser $(BUILD)/summarizer
	@deploy/install-deps node
	@CORPUS=$(CORPUS) GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/cost.py

bench-fetcher:
	@deploy/install-deps build run stack bench
	@$(MAKE) -s BUILD=$(BUILD) $(BUILD)/fetcher $(BUILD)/tools/bare
	@GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/fetcher.py

bench-gateway:
	@deploy/install-deps build run stack bench
	@$(MAKE) -s BUILD=$(BUILD) $(BUILD)/writer $(BUILD)/gateway
	@GM_BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 bench/gateway.py

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BINARIES) $(DESTDIR)$(PREFIX)/bin/

clean:
	rm -rf build build-*

help:
	@echo 'make                build the programs into $(BUILD)/'
	@echo 'make demo           install what it needs, crawl a real site with a private stack, show the result'
	@echo '     URL=https://… DEPTH=2 LIMIT=200, or SITE=DIR, or KEEP=1'
	@echo 'make check          install what tests need; unit tests, integration tests, lint (under 10 minutes)'
	@echo 'make check-long     the same with the full forms of the tests'
	@echo 'make check-compose  runs docker-compose.yml for real; needs a Docker engine'
	@echo 'make fuzz           libFuzzer on every target of tests/fuzz for SECONDS=60 each, or on FUZZ=name alone; CORPUS=DIR: pages to start from'
	@echo 'make bench          pages per second of the whole line, beside others'
	@echo 'make bench-extract  CORPUS=DIR: quality and speed of extraction on evaluation data'
	@echo 'make bench-frontier links admitted and pages released a second, with up to ROWS=5000000 pages known'
	@echo 'make bench-summary  CORPUS=DIR: quality and speed of extractive summaries on evaluation data'
	@echo 'make bench-cost     CORPUS=DIR PRICE_INPUT=… PRICE_OUTPUT=…: what a thousand articles cost of a model'
	@echo 'make bench-fetcher  the fetcher alone, beside a bare libcurl, and with the broker'
	@echo 'make bench-gateway  the HTTP API with 100,000 pages: requests a second, event streams, a storm of connections'
	@echo 'make lint fmt       house rules; formatting'
	@echo 'make install        PREFIX=$(PREFIX)'
	@echo 'SANITIZER=address,undefined, WERROR=1, CC=clang: knobs of any of these'
