/* SPDX-License-Identifier: MIT */
/* type.c - the process-wide table of types.
 *
 * Sync edges: [sync TY1] a type's entry is complete before its id is seen
 */
#include "core/type.h"

#include <errno.h>

#include "core/lock.h"

struct gc_type_info gc_type_table[GC_TYPE_LIMIT];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct gc_lock lock; /* protects the table's growth */
static uint32_t used = 1;

static void init_lock(void)
{
    gc_lock_init(&lock, GC_RANK_TYPES);
}

static bool is_sound(const struct gc_type *type)
{
    bool array = (type->flags & GC_TYPE_ARRAY) != 0;
    if (type->name == NULL || type->cell == NULL) return false;
    if (array && (type->slots > 0 || type->trace != NULL)) return false;
    if (type->trace != NULL && type->slots > 0) return false;
    if ((type->flags & GC_TYPE_LEAF) != 0 && !array) return false;
    size_t fixed = array ? sizeof(struct gc_array)
                         : sizeof(struct gc_object) + type->slots * sizeof(gc_slot);
    return type->size >= fixed;
}

int gc_type_register(const struct gc_type *type)
{
    if (!is_sound(type)) return -EINVAL;
    pthread_once(&once, init_lock);
    gc_lock_acquire(&lock);
    int result = 0;
    if (gc_type_id(type) == 0) {
        if (used == GC_TYPE_LIMIT) {
            result = -ENOSPC;
        } else {
            gc_type_table[used] = (struct gc_type_info){
                .type = type,
                .slots = type->slots,
                .flags = type->flags | (type->clear != NULL ? GC_TYPE_CLEARS : 0),
                .irregular = (type->flags & GC_TYPE_ARRAY) != 0 || type->trace != NULL,
                .cyclic = gc_type_is_cyclic(type),
            };
            /* [sync TY1] release: pairs with the acquire in gc_type_id(). */
            gc_atomic_store_release(&type->cell->id, used);
            used++;
        }
    }
    gc_lock_release(&lock);
    return result;
}
