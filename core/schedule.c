/* SPDX-License-Identifier: MIT */
/* schedule.c - the token.
 *
 * Invariants: (T1) at most one task is `running`; every other one waits on its own
 *                  semaphore, and holds nothing.
 *             (T2) a task is off the CPU exactly when its state is not RUNNING.
 * All are on one processor: to wake one on another takes twice as long, measured.
 * This file waits on pthreads itself, as lock.c does: the scheduler can't wait through
 * the wrapper that it implements.
 */
#include "core/schedule.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>

#include "core/os.h"

enum task_state {
    TASK_RUNNING, /* holds the token */
    TASK_READY,   /* would run if it had it */
    TASK_WAITING, /* for `address` */
    TASK_TIMED,   /* the same, but runs on when nobody else can */
    TASK_ENDED,
};

struct gc_task {
    struct gc_task *next; /* circle of all tasks, in the order of their start */
    sem_t turn;           /* posted once by who hands it the token */
    const void *address;
    enum task_state state;
    bool timed_out;
    uint32_t number;   /* in the order of their start */
    int64_t priority;  /* who has the highest runs; POLICY_PRIORITIES */
    uint32_t patience; /* how often a timed wait still lets others go first */
};

/* Time is not real here: a timed wait ends when it was passed over this often, or
 * when nobody else can run. */
#define PATIENCE 16

/* Under priorities, who has passed so many yield points in a row may be waiting for somebody
 * of a lower one, and goes behind all others. */
#define SPIN 256

enum policy { POLICY_ROUND_ROBIN, POLICY_RANDOM, POLICY_PRIORITIES };

bool gc_schedule_active;
uint32_t gc_schedule_noise;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* protects all below */
static struct gc_task *first;                             /* of the circle */
static enum policy policy;
static uint32_t period, yields_left;
static uint64_t moves, points, hash;
static uint32_t started; /* tasks */
static uint64_t random_state;
static uint32_t wake_early; /* see gc_schedule_wake_early() */

/* POLICY_PRIORITIES */
static uint64_t changes[GC_SCHEDULE_CHANGES]; /* points at which who runs goes last */
static uint32_t change_count;
static int64_t lowest; /* priority that was given out */
static uint32_t in_a_row;

static struct gc_schedule_guest *guests;

/* The calling thread's task. Slow paths of checked builds only. */
static _Thread_local struct gc_task *self;

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Below n. */
static uint32_t draw(uint32_t n)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mix(random_state) % n);
}

static struct gc_task *task_new(void)
{
    struct gc_task *task = gc_os_alloc(sizeof(*task));
    if (task == NULL) return NULL;
    sem_init(&task->turn, 0, 0);
    return task;
}

/* Who has just started gets a number, and a priority above all that were lowered. */
static void number(struct gc_task *task)
{
    task->number = started++;
    if (policy == POLICY_PRIORITIES) task->priority = 1 + (int64_t)draw(INT32_MAX);
}

/* One of those that can run: any, each as likely as any other, or that with the highest
 * priority; or one whose timed wait is over. NULL: there is none. */
static struct gc_task *choose_out_of_turn(struct gc_task *from)
{
    struct gc_task *chosen = NULL;
    uint32_t ready = 0;
    struct gc_task *task = from;
    do {
        task = task->next;
        if (task->state == TASK_READY) {
            bool better = policy == POLICY_RANDOM
                                  ? draw(++ready) == 0
                                  : chosen == NULL || task->priority > chosen->priority;
            if (better) chosen = task;
        }
        if (task->state == TASK_TIMED && --task->patience == 0) {
            task->timed_out = true;
            return task;
        }
    } while (task != from);
    return chosen;
}

/* The next task after `from` that can run: a ready one, or one whose timed wait is
 * over, or else one whose timed wait can be ended. */
static struct gc_task *choose(struct gc_task *from)
{
    struct gc_task *timed = NULL;
    bool in_turn = policy == POLICY_ROUND_ROBIN;
    struct gc_task *task = in_turn ? NULL : choose_out_of_turn(from);
    if (task != NULL) return task;
    task = from;
    do {
        task = task->next;
        if (task->state == TASK_READY) return task;
        if (task->state != TASK_TIMED) continue;
        if (timed == NULL) timed = task;
        if (in_turn && --task->patience == 0) {
            timed = task;
            break;
        }
    } while (task != from);
    if (timed != NULL) timed->timed_out = true;
    return timed;
}

/* Lets one that waits go on without a reason, if it is time for that. */
static void wake_one_early(void)
{
    if (wake_early == 0 || draw(wake_early) != 0) return;
    for (struct gc_task *task = self->next; task != self; task = task->next) {
        if (task->state != TASK_WAITING && task->state != TASK_TIMED) continue;
        task->state = TASK_READY;
        return;
    }
}

static void await_token(struct gc_task *task)
{
    while (sem_wait(&task->turn) != 0) /* EINTR is all that can be */
        continue;
}

/* Gives the token to the next that can run, and waits until it comes back.
 * The caller's own state says how it waits. */
static void pass_token(void)
{
    wake_one_early();
    struct gc_task *next = choose(self);
    gc_require(next != NULL, "deadlock: no thread of the schedule can run");
    next->state = TASK_RUNNING;
    in_a_row = 0;
    if (next == self) return;
    moves++;
    hash = mix(hash ^ (points << 8 | (next->number & 0xff)));
    bool ended = self->state == TASK_ENDED;
    /* Unlocked first: who is woken runs at once on the one processor that there is, and would
     * wait for the mutex. An ended task may be freed as soon as the next one runs. */
    pthread_mutex_unlock(&mutex);
    sem_post(&next->turn);
    if (!ended) await_token(self);
    pthread_mutex_lock(&mutex);
}

void gc_schedule_guest_add(
        struct gc_schedule_guest *guest, void (*end)(void *argument), void *argument)
{
    pthread_mutex_lock(&mutex);
    *guest = (struct gc_schedule_guest){ end, argument, guests };
    guests = guest;
    pthread_mutex_unlock(&mutex);
}

void gc_schedule_guest_remove(struct gc_schedule_guest *guest)
{
    pthread_mutex_lock(&mutex);
    struct gc_schedule_guest **link = &guests;
    while (*link != NULL && *link != guest)
        link = &(*link)->next;
    if (*link != NULL) *link = guest->next;
    guest->end = NULL;
    pthread_mutex_unlock(&mutex);
}

static void end_guests(void)
{
    while (guests != NULL) { /* nobody else runs */
        struct gc_schedule_guest guest = *guests;
        gc_schedule_guest_remove(guests);
        guest.end(guest.argument);
    }
}

static bool begin(enum policy new_policy, uint32_t new_period, uint64_t seed)
{
    if (GC_CHECK < 1) return false;
    end_guests();
    gc_require(!gc_schedule_active, "a deterministic schedule is already active");
    struct gc_task *task = task_new();
    if (task == NULL) return false;
    task->next = task;
    task->state = TASK_RUNNING;
    first = self = task;
    policy = new_policy;
    period = yields_left = new_period > 0 ? new_period : 1;
    random_state = seed;
    moves = points = hash = 0;
    started = in_a_row = wake_early = change_count = 0;
    lowest = 0;
    number(task);
    gc_os_bind();
    gc_schedule_active = true;
    return true;
}

bool gc_schedule_begin(uint32_t new_period)
{
    return begin(POLICY_ROUND_ROBIN, new_period, 0);
}

bool gc_schedule_begin_random(uint64_t seed, uint32_t new_period)
{
    return begin(POLICY_RANDOM, new_period, seed);
}

bool gc_schedule_begin_priorities(uint64_t seed, uint32_t count, uint32_t length)
{
    if (!begin(POLICY_PRIORITIES, 1, seed)) return false;
    change_count = count < GC_SCHEDULE_CHANGES ? count : GC_SCHEDULE_CHANGES;
    for (uint32_t i = 0; i < change_count; i++)
        changes[i] = 1 + draw(length > 0 ? length : 1);
    return true;
}

void gc_schedule_wake_early(uint32_t new_period)
{
    wake_early = new_period;
}

uint64_t gc_schedule_hash(void)
{
    return hash;
}

uint64_t gc_schedule_now(void)
{
    return points; /* changed by who has the token alone */
}

uint64_t gc_schedule_end(void)
{
    end_guests();
    gc_require(gc_schedule_active && first->next == first,
            "a deterministic schedule ends while threads of it are left");
    gc_schedule_active = false;
    gc_os_unbind();
    sem_destroy(&first->turn);
    gc_os_free(first);
    first = self = NULL;
    return moves;
}

void gc_schedule_disturb(uint32_t new_period)
{
    gc_schedule_noise = new_period;
}

/* Each thread draws for itself: what a seed decides would be undone by the machine. */
static void disturb(void)
{
    static _Thread_local uint32_t passed;
    passed = passed * 1664525u + 1013904223u;
    if ((passed >> 8) % gc_schedule_noise == 0) sched_yield();
}

static bool somebody_is_above(const struct gc_task *task)
{
    for (const struct gc_task *t = task->next; t != task; t = t->next)
        if (t->state == TASK_READY && t->priority > task->priority) return true;
    return false;
}

/* Whether the token is to move at this yield point. */
static bool is_time(void)
{
    switch (policy) {
    case POLICY_ROUND_ROBIN:
        return --yields_left == 0;
    case POLICY_RANDOM:
        return draw(period) == 0;
    case POLICY_PRIORITIES:
        break;
    }
    bool last = ++in_a_row >= SPIN;
    for (uint32_t i = 0; i < change_count; i++)
        last |= changes[i] == points;
    if (last) self->priority = --lowest;
    return last || somebody_is_above(self);
}

void gc_schedule_yield_slow(void)
{
    if (!gc_schedule_active) {
        disturb();
        return;
    }
    if (self == NULL) return; /* a thread that is no part of the schedule */
    pthread_mutex_lock(&mutex);
    points++;
    if (is_time()) {
        yields_left = period;
        self->state = TASK_READY;
        pass_token();
    }
    pthread_mutex_unlock(&mutex);
}

bool gc_schedule_wait(const void *address, bool timed)
{
    pthread_mutex_lock(&mutex);
    points++;
    self->address = address;
    self->timed_out = false;
    self->patience = PATIENCE;
    self->state = timed ? TASK_TIMED : TASK_WAITING;
    pass_token();
    self->address = NULL;
    bool woken = !self->timed_out;
    pthread_mutex_unlock(&mutex);
    return woken;
}

static void wake(const void *address, bool all)
{
    struct gc_task *task = self;
    do {
        task = task->next;
        bool waits = task->state == TASK_WAITING || task->state == TASK_TIMED;
        if (waits && task->address == address) {
            task->state = TASK_READY;
            if (!all) return;
        }
    } while (task != self);
}

void gc_schedule_wake(const void *address, bool all)
{
    pthread_mutex_lock(&mutex);
    wake(address, all);
    pthread_mutex_unlock(&mutex);
}

bool gc_schedule_add(struct gc_task **ret_task)
{
    struct gc_task *task = task_new();
    if (task == NULL) return false;
    pthread_mutex_lock(&mutex);
    task->state = TASK_READY;
    number(task);
    struct gc_task *last = first;
    while (last->next != first)
        last = last->next;
    last->next = task;
    task->next = first;
    pthread_mutex_unlock(&mutex);
    *ret_task = task;
    return true;
}

void gc_schedule_enter(struct gc_task *task)
{
    if (task == NULL) return;
    self = task;
    await_token(task);
}

void gc_schedule_leave(struct gc_task *task)
{
    if (task == NULL) return;
    pthread_mutex_lock(&mutex);
    wake(task, true);
    task->state = TASK_ENDED;
    pass_token();
    pthread_mutex_unlock(&mutex);
}

void gc_schedule_await_end(struct gc_task *task)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        bool ended = task->state == TASK_ENDED;
        pthread_mutex_unlock(&mutex);
        if (ended) return;
        gc_schedule_wait(task, false);
    }
}

void gc_schedule_remove(struct gc_task *task)
{
    if (task == NULL) return;
    pthread_mutex_lock(&mutex);
    struct gc_task *before = first;
    while (before->next != task)
        before = before->next;
    before->next = task->next;
    pthread_mutex_unlock(&mutex);
    sem_destroy(&task->turn);
    gc_os_free(task);
}
