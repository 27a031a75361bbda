/* SPDX-License-Identifier: MIT */
/* snapshot_file.c - reading, checking and building object graphs. */
#include "workloads/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/os.h"

enum {
    VERSION = 1,
    HEADER_BYTES = 48,
    OBJECT_BYTES = 12,
    EDGE_BYTES = 4,
    ROOT_BYTES = 8,
    CHECKSUM_BYTES = 4,
    TYPE_BITS = 24,
    FLAGS_ALL = GC_SNAPSHOT_CONTAINER | GC_SNAPSHOT_TRACKED | GC_SNAPSHOT_IMMUTABLE,
};

static const unsigned char magic[8] = { 0x89, 'g', 'c', 's', '\r', '\n', 0x1a, '\n' };

/* The file in memory, and where its parts begin. */
struct image {
    const char *path;
    int fd;
    uint64_t size, done; /* what was read of it */
    unsigned char header[HEADER_BYTES];
    uint32_t producer_bytes;
    uint32_t names_bytes;
    uint64_t objects_at, edges_at, roots_at;
    unsigned char *bytes;
    const unsigned char *producer, *names, *objects, *edges, *roots;
};

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const unsigned char *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

/* Memory for `count` things. gc_os_alloc(0) may answer NULL, so ask for one more. */
static void *allocate_array(uint64_t count, size_t bytes)
{
    if (count >= SIZE_MAX / bytes) return NULL;
    return gc_os_alloc(((size_t)count + 1) * bytes);
}

static int out_of_memory(struct gc_error *error, const char *path)
{
    return gc_error_set(
            error, -ENOMEM, "%s: there is not enough memory to read it", path);
}

/* Reads on to `end` bytes of the file. */
static int read_to(
        struct image *image, unsigned char *bytes, uint64_t end, struct gc_error *error)
{
    while (image->done < end) {
        ssize_t n = read(image->fd, bytes + image->done, (size_t)(end - image->done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return gc_error_set(
                    error, -errno, "%s: %s", image->path, gc_os_error_text(errno));
        if (n == 0)
            return gc_error_set(
                    error, -EBADMSG, "%s: it shrinks while it is read", image->path);
        image->done += (uint64_t)n;
    }
    return 0;
}

/* Opens the file and reads its header, as far as there is one. */
static int open_image(struct image *image, struct gc_error *error)
{
    const char *path = image->path;
    struct stat status;
    image->fd =
            open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe may have no writer */
    if (image->fd < 0 || fstat(image->fd, &status) < 0)
        return gc_error_set(error, -errno, "%s: %s", path, gc_os_error_text(errno));
    if (!S_ISREG(status.st_mode))
        return gc_error_set(error, -EBADMSG, "%s: this is not a regular file", path);
    image->size = (uint64_t)status.st_size;
    return read_to(image, image->header,
            image->size < HEADER_BYTES ? image->size : HEADER_BYTES, error);
}

/* Reads the header: afterwards the parts lie inside the file, and every count is bounded by the
 * size of the file. Nothing was allocated: what is none, or claims too much, costs nothing. */
static int parse_header(
        struct image *image, struct gc_snapshot *snapshot, struct gc_error *error)
{
    const char *path = image->path;
    const unsigned char *at = image->header;
    uint64_t known = image->size < sizeof(magic) ? image->size : sizeof(magic);
    if (memcmp(at, magic, known) != 0)
        return gc_error_set(
                error, -EBADMSG, "%s: this is not a snapshot (wrong first bytes)", path);
    if (image->size < HEADER_BYTES + CHECKSUM_BYTES)
        return gc_error_set(error, -EBADMSG, "%s: cut short within the header", path);
    if (get_u32(at + 8) != VERSION)
        return gc_error_set(error, -EBADMSG,
                "%s: format version %u, but only %d is known", path, get_u32(at + 8),
                VERSION);
    image->producer_bytes = get_u32(at + 12);
    snapshot->type_count = get_u32(at + 16);
    image->names_bytes = get_u32(at + 20);
    snapshot->object_count = get_u32(at + 24);
    snapshot->edge_count = get_u32(at + 28);
    snapshot->root_count = get_u32(at + 32);
    snapshot->digest = get_u64(at + 40);

    /* At most 26 * 2^32: cannot overflow. */
    image->objects_at =
            HEADER_BYTES + (uint64_t)image->producer_bytes + image->names_bytes;
    image->edges_at = image->objects_at + (uint64_t)snapshot->object_count * OBJECT_BYTES;
    image->roots_at = image->edges_at + (uint64_t)snapshot->edge_count * EDGE_BYTES;
    uint64_t end = image->roots_at + (uint64_t)snapshot->root_count * ROOT_BYTES +
                   CHECKSUM_BYTES;
    if (image->size != end)
        return gc_error_set(error, -EBADMSG,
                "%s: it has %llu bytes, but its header describes %llu (%s)", path,
                (unsigned long long)image->size, (unsigned long long)end,
                image->size < end ? "cut short" : "something follows the end");
    if (get_u32(at + 36) != 0)
        return gc_error_set(error, -EBADMSG, "%s: the reserved word is not zero", path);
    return 0;
}

/* Reads the rest, and checks it against its checksum. */
static int load_image(struct image *image, struct gc_error *error)
{
    unsigned char *bytes = image->bytes = allocate_array(image->size, 1);
    if (bytes == NULL) return out_of_memory(error, image->path);
    memcpy(bytes, image->header, HEADER_BYTES);
    int result = read_to(image, bytes, image->size, error);
    if (result != 0) return result;
    size_t end = (size_t)image->size - CHECKSUM_BYTES;
    if (crc32_z(0, bytes, end) != get_u32(bytes + end))
        return gc_error_set(
                error, -EBADMSG, "%s: damaged (its checksum differs)", image->path);
    image->producer = bytes + HEADER_BYTES;
    image->names = image->producer + image->producer_bytes;
    image->objects = bytes + image->objects_at;
    image->edges = bytes + image->edges_at;
    image->roots = bytes + image->roots_at;
    return 0;
}

/* Strings come from anywhere and end in messages: no control characters. */
static bool is_printable(const unsigned char *text, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        if (text[i] < 0x20 || text[i] == 0x7f) return false;
    return true;
}

static int take_strings(
        const struct image *image, struct gc_snapshot *snapshot, struct gc_error *error)
{
    const char *path = image->path;
    if (!is_printable(image->producer, image->producer_bytes))
        return gc_error_set(error, -EBADMSG,
                "%s: the name of the producer is not a line of text", path);
    /* Each name takes a byte at least: the array is bounded by the file. */
    if (snapshot->type_count > image->names_bytes)
        return gc_error_set(
                error, -EBADMSG, "%s: there are fewer names than types", path);
    size_t array_bytes = (snapshot->type_count + (size_t)1) * sizeof(char *);
    snapshot->producer = allocate_array(image->producer_bytes, 1);
    snapshot->type_names = allocate_array(array_bytes + image->names_bytes, 1);
    if (snapshot->producer == NULL || snapshot->type_names == NULL)
        return out_of_memory(error, path);
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): who has no header has failed */
    memcpy(snapshot->producer, image->producer, image->producer_bytes);
    char *text = (char *)snapshot->type_names + array_bytes;
    memcpy(text, image->names, image->names_bytes);
    uint32_t at = 0;
    for (uint32_t i = 0; i < snapshot->type_count; i++) {
        const char *end = memchr(text + at, '\0', image->names_bytes - at);
        uint32_t length = end == NULL ? 0 : (uint32_t)(end - (text + at));
        if (length == 0 || !is_printable(image->names + at, length))
            return gc_error_set(
                    error, -EBADMSG, "%s: type %u has no proper name", path, i);
        snapshot->type_names[i] = text + at;
        at += length + 1;
    }
    if (at != image->names_bytes)
        return gc_error_set(error, -EBADMSG, "%s: there are more names than types", path);
    return 0;
}

static bool allocate_graph(struct gc_snapshot *snapshot)
{
    uint64_t objects = snapshot->object_count;
    snapshot->type = allocate_array(objects, sizeof(*snapshot->type));
    snapshot->size = allocate_array(objects, sizeof(*snapshot->size));
    snapshot->flags = allocate_array(objects, sizeof(*snapshot->flags));
    snapshot->first_edge = allocate_array(objects, sizeof(*snapshot->first_edge));
    snapshot->edges = allocate_array(snapshot->edge_count, sizeof(*snapshot->edges));
    snapshot->roots = allocate_array(snapshot->root_count, sizeof(*snapshot->roots));
    return snapshot->type != NULL && snapshot->size != NULL && snapshot->flags != NULL &&
           snapshot->first_edge != NULL && snapshot->edges != NULL &&
           snapshot->roots != NULL;
}

static int take_graph(
        const struct image *image, struct gc_snapshot *snapshot, struct gc_error *error)
{
    if (!allocate_graph(snapshot)) return out_of_memory(error, image->path);
    uint64_t first = 0;
    for (uint32_t i = 0; i < snapshot->object_count; i++) {
        const unsigned char *at = image->objects + (size_t)i * OBJECT_BYTES;
        snapshot->type[i] = get_u32(at) & ((UINT32_C(1) << TYPE_BITS) - 1);
        snapshot->flags[i] = (uint8_t)(get_u32(at) >> TYPE_BITS);
        snapshot->size[i] = get_u32(at + 4);
        first += get_u32(at + 8);
        if (first > snapshot->edge_count)
            return gc_error_set(error, -EBADMSG,
                    "%s: object %u has more references than are left", image->path, i);
        snapshot->first_edge[i + 1] = (uint32_t)first;
    }
    for (uint32_t i = 0; i < snapshot->edge_count; i++)
        snapshot->edges[i] = get_u32(image->edges + (size_t)i * EDGE_BYTES);
    for (uint32_t i = 0; i < snapshot->root_count; i++) {
        const unsigned char *at = image->roots + (size_t)i * ROOT_BYTES;
        snapshot->roots[i] = (struct gc_snapshot_root){ get_u32(at), get_u32(at + 4) };
    }
    return 0;
}

/* Checks F5; F1 and F2 hold. */
static int check_reachable(
        const struct gc_snapshot *snapshot, const char *name, struct gc_error *error)
{
    uint8_t *seen = allocate_array(snapshot->object_count, 1);
    uint32_t *work = allocate_array(snapshot->object_count, sizeof(*work));
    uint32_t depth = 0;
    int result = 0;
    if (seen == NULL || work == NULL) {
        result = out_of_memory(error, name);
        goto out;
    }
    for (uint32_t i = 0; i < snapshot->root_count; i++) {
        seen[snapshot->roots[i].object] = 1;
        work[depth++] = snapshot->roots[i].object;
    }
    while (depth > 0) {
        uint32_t object = work[--depth];
        for (uint32_t e = snapshot->first_edge[object];
                e < snapshot->first_edge[object + 1]; e++) {
            uint32_t target = snapshot->edges[e];
            if (seen[target]) continue;
            seen[target] = 1;
            work[depth++] = target;
        }
    }
    for (uint32_t i = 0; result == 0 && i < snapshot->object_count; i++)
        if (!seen[i])
            result = gc_error_set(error, -EBADMSG,
                    "%s: object %u cannot be reached from any root", name, i);
out:
    gc_os_free(work);
    gc_os_free(seen);
    return result;
}

/* Checks F1 to F6, as far as making the arrays has not done so. */
static int check_graph(
        const struct gc_snapshot *snapshot, const char *name, struct gc_error *error)
{
    if (snapshot->object_count == 0 || snapshot->object_count == UINT32_MAX)
        return gc_error_set(error, -EBADMSG, "%s: %u objects are too %s", name,
                snapshot->object_count, snapshot->object_count == 0 ? "few" : "many");
    if (snapshot->first_edge[snapshot->object_count] != snapshot->edge_count)
        return gc_error_set(error, -EBADMSG,
                "%s: the objects have %u references, but the file holds %u", name,
                snapshot->first_edge[snapshot->object_count], snapshot->edge_count);
    for (uint32_t i = 0; i < snapshot->object_count; i++) {
        unsigned flags = snapshot->flags[i];
        if (snapshot->type[i] >= snapshot->type_count)
            return gc_error_set(error, -EBADMSG, "%s: object %u has type %u of %u", name,
                    i, snapshot->type[i], snapshot->type_count);
        if ((flags & ~(unsigned)FLAGS_ALL) != 0)
            return gc_error_set(error, -EBADMSG, "%s: object %u has unknown flags 0x%x",
                    name, i, flags);
        if ((flags & GC_SNAPSHOT_CONTAINER) == 0 &&
                (flags != 0 || gc_snapshot_degree(snapshot, i) > 0))
            return gc_error_set(error, -EBADMSG,
                    "%s: object %u is no container but has references or flags of one",
                    name, i);
    }
    for (uint32_t i = 0; i < snapshot->edge_count; i++)
        if (snapshot->edges[i] >= snapshot->object_count)
            return gc_error_set(error, -EBADMSG,
                    "%s: reference %u leads to object %u of %u", name, i,
                    snapshot->edges[i], snapshot->object_count);
    for (uint32_t i = 0; i < snapshot->root_count; i++) {
        struct gc_snapshot_root root = snapshot->roots[i];
        if (root.object >= snapshot->object_count || root.count == 0 ||
                (i > 0 && root.object <= snapshot->roots[i - 1].object))
            return gc_error_set(error, -EBADMSG,
                    "%s: root %u (object %u, %u references) is out of range or order",
                    name, i, root.object, root.count);
    }
    if (gc_snapshot_digest(snapshot) != snapshot->digest)
        return gc_error_set(error, -EBADMSG,
                "%s: a reference was altered (the digest of the graph differs)", name);
    return check_reachable(snapshot, name, error);
}

int gc_snapshot_read(
        const char *path, struct gc_snapshot **ret_snapshot, struct gc_error *error)
{
    struct image image = { .path = path };
    struct gc_snapshot *snapshot = gc_os_alloc(sizeof(*snapshot));
    if (snapshot == NULL) return out_of_memory(error, path);
    int result = open_image(&image, error);
    if (result == 0) result = parse_header(&image, snapshot, error);
    if (result == 0) result = load_image(&image, error);
    if (image.fd >= 0) close(image.fd);
    if (result == 0) result = take_strings(&image, snapshot, error);
    if (result == 0) result = take_graph(&image, snapshot, error);
    gc_os_free(image.bytes);
    if (result == 0) result = check_graph(snapshot, path, error);
    if (result == 0)
        *ret_snapshot = snapshot;
    else
        gc_snapshot_destroy(snapshot);
    return result;
}

/* Sorts the edges by their objects, keeping the order of the list within each. */
static bool fill_edges(struct gc_snapshot *snapshot, const struct gc_snapshot_edge *edges)
{
    uint32_t *first = snapshot->first_edge;
    uint32_t *next = allocate_array(snapshot->object_count, sizeof(*next));
    if (next == NULL) return false;
    for (uint32_t i = 0; i < snapshot->edge_count; i++)
        first[edges[i].object + 1]++;
    for (uint32_t i = 0; i < snapshot->object_count; i++) {
        if (first[i + 1] > 0) snapshot->flags[i] = GC_SNAPSHOT_CONTAINER;
        first[i + 1] += first[i];
        next[i] = first[i];
        snapshot->size[i] = 32;
    }
    for (uint32_t i = 0; i < snapshot->edge_count; i++)
        snapshot->edges[next[edges[i].object]++] = edges[i].target;
    gc_os_free(next);
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters, for two arrays have their counts */
int gc_snapshot_build(uint32_t object_count, const struct gc_snapshot_edge *edges,
        uint32_t edge_count, const struct gc_snapshot_root *roots, uint32_t root_count,
        struct gc_snapshot **ret_snapshot, struct gc_error *error)
{
    static const char name[] = "object";
    static const char title[] = "built graph";
    for (uint32_t i = 0; i < edge_count; i++)
        if (edges[i].object >= object_count || edges[i].target >= object_count)
            return gc_error_set(error, -EINVAL, "%s: edge %u is out of range", title, i);
    int result;
    struct gc_snapshot *snapshot = gc_os_alloc(sizeof(*snapshot));
    if (snapshot == NULL) return out_of_memory(error, title);
    snapshot->type_count = 1;
    snapshot->object_count = object_count;
    snapshot->edge_count = edge_count;
    snapshot->root_count = root_count;
    snapshot->producer = allocate_array(sizeof(title), 1);
    snapshot->type_names = allocate_array(sizeof(char *) + sizeof(name), 1);
    if (snapshot->producer != NULL && snapshot->type_names != NULL &&
            allocate_graph(snapshot) && fill_edges(snapshot, edges)) {
        snapshot->type_names[0] = (char *)(snapshot->type_names + 1);
        memcpy(snapshot->type_names[0], name, sizeof(name));
        memcpy(snapshot->producer, title, sizeof(title));
        for (uint32_t i = 0; i < root_count; i++)
            snapshot->roots[i] = roots[i];
        snapshot->digest = gc_snapshot_digest(snapshot);
        result = check_graph(snapshot, title, error);
        if (result == -EBADMSG) result = -EINVAL;
    } else {
        result = out_of_memory(error, title);
    }
    if (result == 0)
        *ret_snapshot = snapshot;
    else
        gc_snapshot_destroy(snapshot);
    return result;
}

void gc_snapshot_destroy(struct gc_snapshot *snapshot)
{
    if (snapshot == NULL) return;
    gc_os_free(snapshot->roots);
    gc_os_free(snapshot->edges);
    gc_os_free(snapshot->first_edge);
    gc_os_free(snapshot->flags);
    gc_os_free(snapshot->size);
    gc_os_free(snapshot->type);
    gc_os_free(snapshot->type_names);
    gc_os_free(snapshot->producer);
    gc_os_free(snapshot);
}

uint64_t gc_snapshot_digest(const struct gc_snapshot *snapshot)
{
    uint64_t sum = 0;
    for (uint32_t object = 0; object < snapshot->object_count; object++) {
        uint32_t first = snapshot->first_edge[object];
        uint32_t degree = gc_snapshot_degree(snapshot, object);
        for (uint32_t slot = 0; slot < degree; slot++)
            sum += gc_snapshot_digest_edge(object, slot, snapshot->edges[first + slot]);
    }
    return sum;
}
