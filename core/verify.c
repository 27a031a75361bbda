/* SPDX-License-Identifier: MIT */
/* verify.c - walks the heap and compares what must agree. */
#include "core/verify.h"

#include <errno.h>

#include "core/collector.h"
#include "core/os.h"

struct check {
    struct gc_heap *heap;
    struct gc_error *error;
    int result;
};

static void wrong(struct check *check, const char *what, const void *where)
{
    if (check->result != 0) return;
    check->result = gc_error_set(check->error, -EINVAL, "%s (at %p)", what, where);
}

static bool lies_in(const struct gc_block *block, const struct gc_object *object)
{
    char *first = gc_block_start(block) + block->prefix;
    ptrdiff_t offset = (char *)(uintptr_t)object - first;
    return offset >= 0 && offset % block->cell_bytes == 0 &&
           offset / block->cell_bytes < block->built;
}

/* Length of a list of free cells of the block; wrong links are reported. */
static uint32_t check_free_list(
        struct check *check, const struct gc_block *block, struct gc_object *object)
{
    uint32_t n = 0;
    for (; object != NULL && n <= block->built; n++, object = *gc_cell_link(object)) {
        if (!lies_in(block, object)) {
            wrong(check, "a free list leaves its block", object);
            return n;
        }
        if (!gc_object_is_dead(object)) wrong(check, "a free cell is not dead", object);
        if (block->free_count != GC_COUNT_DEAD &&
                gc_atomic_load_relaxed(&object->count) != block->free_count)
            wrong(check, "a free cell has not the count of a birth", object);
    }
    if (n > block->built) wrong(check, "a free list is circular", block);
    return n;
}

/* That the blocks of a region are what its map of free ones says, and no span reaches into
 * another block. */
static void check_region(struct check *check, const struct gc_region *region)
{
    uint32_t free_blocks = 0, inside = region->first;
    for (uint32_t i = 0; i < GC_REGION_BLOCKS; i++) {
        const struct gc_block *block = &region->blocks[i];
        const bool is_free = (region->free_map[i / 64] >> i % 64) & 1;
        const bool is_inside = block->state == GC_BLOCK_INSIDE;
        free_blocks += is_free;
        if (is_free != (block->state == GC_BLOCK_FREE))
            wrong(check, "a block is not what its region's map says", block);
        if ((i < inside) != is_inside)
            wrong(check, "a span is not as long as it says", block);
        if (!is_free && !is_inside && block->span > 0) inside = i + block->span;
    }
    if (free_blocks != region->free_blocks)
        wrong(check, "a region's free blocks do not add up", region);
}

static void check_regions(struct check *check)
{
    struct gc_heap *heap = check->heap;
    gc_lock_acquire(&heap->blocks_lock);
    for (struct gc_region *region = heap->regions; region != NULL; region = region->next)
        if (region->bytes == GC_REGION_BYTES) check_region(check, region);
    gc_lock_release(&heap->blocks_lock);
}

/* That the neighbours of a block in its home's list name it. (A sweeper's lists go one way.) */
static void check_partial(struct check *check, const struct gc_block *block)
{
    struct gc_block *const *list = &block->home->partial[block->cyclic][block->class];
    const struct gc_block *before = block->prev != NULL ? block->prev->next : *list;
    if (before != block || (block->next != NULL && block->next->prev != block))
        wrong(check, "a list of partial blocks is broken", block);
}

static void check_block(struct gc_block *block, void *argument)
{
    struct check *check = argument;
    uint32_t freed = check_free_list(check, block, block->free), unused = freed;
    if (block->state == GC_BLOCK_CURRENT) {
        const struct gc_run *run = &block->home->runs[block->cyclic][block->class];
        if (run->block != block) wrong(check, "a current block is not its run's", block);
        unused += check_free_list(check, block, run->free);
    }
    if (block->state == GC_BLOCK_PARTIAL && check->heap->sweeper == NULL)
        check_partial(check, block);
    if (gc_block_used(block) + freed != block->built && block->state != GC_BLOCK_UNSWEPT)
        wrong(check, "a block's use does not add up (B2)", block);
    uint32_t dead = 0;
    for (uint32_t i = 0; i < block->built; i++) {
        struct gc_object *object = gc_block_object(block, i);
        if (gc_object_is_dead(object)) {
            dead++;
            continue;
        }
        const struct gc_type_info *info = gc_object_info(object);
        if (info->type == NULL)
            wrong(check, "an object has no type", object);
        else if (gc_object_size(object) + block->prefix > block->cell_bytes)
            wrong(check, "an object is larger than its cell", object);
    }
    /* Dead objects that wait to be freed are no free cells yet. */
    if (dead < unused) wrong(check, "a free cell is alive", block);
}

static void check_weak(struct gc_weak *weak, void *argument)
{
    struct check *check = argument;
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    if (gc_object_is_dead(&weak->header))
        wrong(check, "a dead weak reference is in the table", weak);
    if (gc_object_is_dead(target))
        wrong(check, "a weak reference has a dead target", weak);
    else if ((gc_object_state(target) & GC_STATE_REFERENCED) == 0)
        wrong(check, "the target of a weak reference does not know of it (W1)", weak);
}

/* --- counts ----------------------------------------------------------------------- */

/* One 32-bit sum a cell: of a region, those of its blocks one behind the other. */
struct sums {
    struct check *check;
    bool slots_only; /* the count word is compared with slots of objects alone */
    struct region_sums {
        const struct gc_region *region;
        uint32_t first[GC_REGION_BLOCKS]; /* of each block, in `cells` */
        uint32_t *cells;
    } * regions;
    size_t count;
};

static bool is_in_use(const struct gc_block *block)
{
    return block->state != GC_BLOCK_FREE && block->state != GC_BLOCK_INSIDE;
}

static uint32_t *sum_of(struct sums *sums, const struct gc_object *object)
{
    const struct gc_region *region = gc_region_of(object);
    for (size_t i = 0; i < sums->count; i++) {
        if (sums->regions[i].region != region) continue;
        const struct gc_block *block = gc_block_of(object);
        if (!is_in_use(block) || !lies_in(block, object)) return NULL;
        const char *first = gc_block_start(block) + block->prefix;
        size_t cell = (size_t)((const char *)object - first) / block->cell_bytes;
        return &sums->regions[i]
                        .cells[sums->regions[i].first[block - region->blocks] + cell];
    }
    return NULL;
}

static void add_slot(gc_slot *slot, void *argument)
{
    struct sums *sums = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return;
    uint32_t *sum = sum_of(sums, object);
    if (sum == NULL || gc_object_is_dead(object))
        wrong(sums->check, "a slot names something that is no live object", slot);
    else
        ++*sum;
}

static bool add_object(struct gc_object *object, void *argument)
{
    gc_object_trace(object, add_slot, argument);
    return true;
}

static bool compare_count(struct gc_object *object, void *argument)
{
    struct sums *sums = argument;
    struct check *check = sums->check;
    uint64_t total = sums->slots_only ? gc_atomic_load_relaxed(&object->count)
                                      : check->heap->protocol->total(object);
    uint32_t found = *sum_of(sums, object);
    if ((gc_object_state(object) & GC_STATE_IMMORTAL) != 0 || total == found) return true;
    if (check->result == 0) {
        check->result = gc_error_set(check->error, -EINVAL,
                "the count of object %p of type %s is %llu, but %u references to it "
                "exist",
                (void *)object, gc_object_info(object)->type->name,
                (unsigned long long)total, found);
    }
    return false;
}

static bool region_sums_init(struct region_sums *sums, const struct gc_region *region)
{
    uint32_t cells = 0;
    sums->region = region;
    for (uint32_t i = 0; i < GC_REGION_BLOCKS; i++) {
        sums->first[i] = cells;
        if (is_in_use(&region->blocks[i])) cells += region->blocks[i].built;
    }
    sums->cells = gc_os_alloc((cells + 1) * sizeof(*sums->cells));
    return sums->cells != NULL;
}

static int sums_init(struct sums *sums, struct check *check)
{
    *sums = (struct sums){ .check = check };
    size_t regions = 0;
    for (struct gc_region *r = check->heap->regions; r != NULL; r = r->next)
        regions++;
    sums->regions = gc_os_alloc((regions + 1) * sizeof(*sums->regions));
    if (sums->regions == NULL) return -ENOMEM;
    for (struct gc_region *r = check->heap->regions; r != NULL; r = r->next)
        if (!region_sums_init(&sums->regions[sums->count++], r)) return -ENOMEM;
    return 0;
}

static void sums_finish(struct sums *sums)
{
    for (size_t i = 0; i < sums->count; i++)
        gc_os_free(sums->regions[i].cells);
    gc_os_free(sums->regions);
}

static void check_counts(struct check *check, bool slots_only)
{
    struct sums sums;
    int result = sums_init(&sums, check);
    sums.slots_only = slots_only;
    if (result != 0) {
        check->result = gc_error_set(check->error, -ENOMEM, "no memory to verify with");
    } else {
        gc_heap_walk_stw(check->heap, add_object, &sums);
        if (!slots_only) gc_roots_visit_stw(check->heap, add_slot, &sums);
        if (check->result == 0) gc_heap_walk_stw(check->heap, compare_count, &sums);
    }
    sums_finish(&sums);
}

int gc_verify_slot_counts_stw(struct gc_heap *heap, struct gc_error *error)
{
    struct check check = { .heap = heap, .error = error };
    check_counts(&check, true);
    return check.result;
}

int gc_verify_stw(struct gc_heap *heap, int level, struct gc_error *error)
{
    struct check check = { .heap = heap, .error = error };
    uint32_t can_count = GC_PROTOCOL_COUNTED | GC_PROTOCOL_FRAMES;
    check_regions(&check);
    gc_heap_walk_blocks_stw(heap, check_block, &check);
    gc_weak_walk_stw(heap, check_weak, &check);
    if (check.result == 0 && level >= 2 && heap->collector->verify != NULL)
        check.result = heap->collector->verify(heap, error);
    if (check.result == 0 && level >= 3 &&
            (heap->protocol->flags & can_count) == can_count)
        check_counts(&check, false);
    return check.result;
}

int gc_verify(struct gc_mutator *m, int level, struct gc_error *error)
{
    gc_stop_begin(m);
    int result = gc_verify_stw(m->heap, level, error);
    gc_stop_end_unlogged(m);
    return result;
}

static void check_slot(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object != NULL && gc_object_is_dead(object))
        wrong(argument, "a slot names a dead object", slot);
}

static bool check_slots(struct gc_object *object, void *argument)
{
    gc_object_trace(object, check_slot, argument);
    return true;
}

static uint64_t heap_collections(struct gc_heap *heap)
{
    return gc_atomic_load_relaxed(&heap->collections);
}

void gc_verify_collection(struct gc_mutator *m, int generation)
{
    enum { ONE_IN = 64 };
    if (GC_CHECK < 2) return;
    struct gc_heap *heap = m->heap;
    if (generation + 1 < GC_GENERATIONS && heap_collections(heap) % ONE_IN != 0) return;
    struct gc_error error = { "" };
    struct check check = { .heap = heap, .error = &error };
    gc_stop_begin(m);
    check.result = gc_verify_stw(heap, 2, &error);
    if (GC_CHECK >= 3 && check.result == 0) {
        gc_heap_walk_stw(heap, check_slots, &check);
        gc_roots_visit_stw(heap, check_slot, &check);
    }
    gc_stop_end_unlogged(m);
    gc_require(check.result == 0, "after collection %llu, of generation %d: %s",
            (unsigned long long)heap_collections(heap), generation, error.text);
}
