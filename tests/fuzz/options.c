/* SPDX-License-Identifier: MIT */
/* options.c - options of every kind, sizes, nearest names, and SPECs as the command line gives
 * them. The first byte says which. What is accepted is in range; what is not is explained. */
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/spec.h"
#include "core/option.h"
#include "tests/fuzz/fuzz.h"

struct values {
    int64_t number, least, choice, is_on;
    uint64_t bytes;
    char text[8];
    uint64_t behind; /* what no option may write */
};

static FILE *nowhere;

#define AT(member) .offset = offsetof(struct values, member)

static const struct gc_option options[] = {
    { "number", GC_OPTION_INT, AT(number), .min = -5, .max = 1000, .standard = "7" },
    { "least", GC_OPTION_INT, AT(least), .min = INT64_MIN, .max = INT64_MAX,
            .standard = "-1" },
    { "choice", GC_OPTION_CHOICE, AT(choice), .choices = "one|two|three",
            .standard = "two" },
    { "is_on", GC_OPTION_BOOL, AT(is_on), .standard = "no" },
    { "bytes", GC_OPTION_SIZE, AT(bytes), .min = 1, .max = INT64_MAX, .standard = "4K" },
    { "text", GC_OPTION_TEXT, AT(text), .max = sizeof(((struct values *)NULL)->text),
            .standard = "" },
    GC_OPTION_END,
};

static void try_options(const char *text)
{
    struct values values = { .behind = UINT64_C(0x5ca1ab1e) };
    struct gc_error error = { "" };
    if (gc_options_parse(options, "owner", text, &values, &error) != 0) {
        fuzz_require_sentence(&error);
        gc_require(strncmp(error.text, "owner: ", 7) == 0, "of whom is this?");
    }
    gc_require(values.number >= -5 && values.number <= 1000, "a number out of range");
    gc_require(values.choice >= 0 && values.choice < 3, "none of the choices");
    gc_require(values.is_on == 0 || values.is_on == 1, "neither yes nor no");
    gc_require(values.bytes >= 1 && values.bytes <= INT64_MAX, "a size out of range");
    gc_require(strnlen(values.text, sizeof(values.text)) < sizeof(values.text) &&
                       values.behind == UINT64_C(0x5ca1ab1e),
            "a text that does not end");
}

static void try_size(const char *text)
{
    uint64_t bytes = 1;
    char again[32];
    if (gc_parse_size(text, &bytes) != 0) return;
    snprintf(again, sizeof(again), "%llu", (unsigned long long)bytes);
    uint64_t same = 0;
    gc_require(gc_parse_size(again, &same) == 0 && same == bytes, "another size");
}

/* The first word, among the others. */
static void try_names(char *text)
{
    const char *names[10] = { NULL };
    size_t count = 0;
    char *rest, *name = strtok_r(text, " ", &rest);
    for (char *word = name; word != NULL && count < 9;) {
        word = strtok_r(NULL, " ", &rest);
        if (word != NULL) names[count++] = word;
    }
    if (name == NULL) return;
    const char *nearest = gc_nearest_name(name, names);
    size_t i = 0;
    while (i < count && nearest != names[i])
        i++;
    gc_require(nearest == NULL || i < count, "a name that is none of them");
    for (i = 0; i < count && strlen(name) < 64; i++)
        gc_require(strcmp(name, names[i]) != 0 || nearest != NULL,
                "a name is not near itself");
}

/* What is complained about is as it should be, and would be most of what a fuzzer prints. */
static int read_collector(const char *text, struct gc_collector_spec *spec)
{
    FILE *before = stderr;
    stderr = nowhere;
    int status = gc_collector_spec_parse(text, spec);
    stderr = before;
    return status;
}

static int read_workload(const char *text, struct gc_workload_spec *spec)
{
    FILE *before = stderr;
    stderr = nowhere;
    int status = gc_workload_spec_parse(text, spec);
    stderr = before;
    return status;
}

static void try_specs(const char *text)
{
    struct gc_collector_spec collector, again;
    struct gc_workload_spec workload;
    if (gc_plugins_file(text) > 0) return; /* it would be loaded */
    int status = read_collector(text, &collector);
    gc_require(status == GC_EXIT_OK || status == GC_EXIT_USAGE, "status %d", status);
    if (status == GC_EXIT_OK) {
        gc_require(collector.label != NULL && collector.protocol != NULL, "half a spec");
        status = read_collector(collector.label, &again);
        gc_require(status == GC_EXIT_OK && strcmp(again.label, collector.label) == 0,
                "its label is another spec: %s", collector.label);
        gc_collector_spec_finish(&again);
        gc_collector_spec_finish(&collector);
    }
    status = read_workload(text, &workload);
    gc_require(status == GC_EXIT_OK || status == GC_EXIT_USAGE || status == GC_EXIT_FILE,
            "status %d", status);
    if (status == GC_EXIT_OK) gc_workload_spec_finish(&workload);
}

void fuzz_options(const uint8_t *bytes, size_t size)
{
    if (nowhere == NULL) {
        gc_plugins_start();
        nowhere = fopen("/dev/null", "w");
        gc_require(nowhere != NULL, "/dev/null can't be opened");
    }
    if (size == 0) return;
    char *text = malloc(size);
    gc_require(text != NULL, "there is no memory");
    memcpy(text, bytes + 1, size - 1);
    text[size - 1] = '\0';
    if (bytes[0] % 4 == 0) try_options(text);
    if (bytes[0] % 4 == 1) try_specs(text);
    if (bytes[0] % 4 == 2) try_size(text);
    if (bytes[0] % 4 == 3) try_names(text);
    free(text);
}
