/* SPDX-License-Identifier: MIT */
/* serial.c - the lock that the running mutator holds, and how it goes round.
 *
 * Who waits for it longer than the switch interval asks the holder, through his poll word,
 * to give it up at his next safepoint; he then does not take it again before somebody else
 * had it.
 */
#include "core/serial.h"

#include <errno.h>

#include "core/os.h"

#define SWITCH_INTERVAL_NS UINT64_C(5000000)

enum { NOT_ASKED = 0 };

struct gc_serial {
    struct gc_lock lock;         /* protects the rest; never held across a wait */
    struct gc_condition changed; /* released, or taken */
    struct gc_mutator *holder;
    uint32_t waiting;  /* of them: those who were not asked to let others run first */
    uint32_t sleeping; /* who waits for `changed` */
    uint64_t switches; /* times that it was taken by another than before, from 1 */
    struct gc_mutator *last;
};

int gc_serial_start(struct gc_heap *heap)
{
    struct gc_serial *serial = gc_os_alloc(sizeof(*serial));
    if (serial == NULL) return -ENOMEM;
    gc_lock_init(&serial->lock, GC_RANK_GLOBAL);
    gc_condition_init(&serial->changed);
    serial->switches = 1;
    heap->serial = serial;
    return 0;
}

void gc_serial_finish(struct gc_heap *heap)
{
    struct gc_serial *serial = heap->serial;
    gc_condition_finish(&serial->changed);
    gc_lock_finish(&serial->lock);
    gc_os_free(serial);
}

/* Whether `m` must wait: somebody runs, or it was asked to let another one run first
 * and nobody has. */
static bool must_wait(const struct gc_serial *serial, const struct gc_mutator *m)
{
    if (serial->holder != NULL) return true;
    return m->switched_at == serial->switches && serial->waiting > 0;
}

static void await(struct gc_serial *serial, struct gc_mutator *m)
{
    uint64_t since = gc_stall_clock();
    /* Who was asked to let others run does not count among those that others wait for. */
    bool asked = m->switched_at != NOT_ASKED;
    serial->waiting += !asked;
    serial->sleeping++;
    while (must_wait(serial, m)) {
        uint64_t before = serial->switches;
        bool woken =
                gc_condition_wait_ns(&serial->changed, &serial->lock, SWITCH_INTERVAL_NS);
        if (!woken && serial->holder != NULL && serial->switches == before)
            gc_atomic_fetch_or_relaxed(&serial->holder->poll, GC_POLL_SWITCH);
    }
    serial->sleeping--;
    serial->waiting -= !asked;
    gc_stall_record(m->stalls, GC_STALL_lock, since, 0);
}

void gc_serial_enter(struct gc_mutator *m)
{
    struct gc_serial *serial = m->heap->serial;
    gc_lock_acquire(&serial->lock);
    if (must_wait(serial, m)) await(serial, m);
    m->switched_at = NOT_ASKED;
    serial->holder = m;
    if (serial->last != m) {
        serial->last = m;
        serial->switches++;
        m->counters.lock_switches++;
        if (serial->sleeping > 0) gc_condition_broadcast(&serial->changed);
    }
    gc_lock_release(&serial->lock);
}

void gc_serial_leave(struct gc_mutator *m)
{
    struct gc_serial *serial = m->heap->serial;
    gc_lock_acquire(&serial->lock);
    uint32_t before = gc_atomic_fetch_and_relaxed(&m->poll, ~(uint32_t)GC_POLL_SWITCH);
    if ((before & GC_POLL_SWITCH) != 0) m->switched_at = serial->switches;
    serial->holder = NULL;
    if (serial->sleeping > 0) gc_condition_broadcast(&serial->changed);
    gc_lock_release(&serial->lock);
}
