/* SPDX-License-Identifier: MIT */
/* handshake.pml - handshakes against blocking, returning, exit, adoption and stops: core/handshake.c, core/safepoint.c,
 * core/home.c (claims), core/thread.c (exit and adoption).
 *
 * Mutator 0 shakes hands SHAKES times, mutator 1 stops the world STOPS times, mutator 2 comes to safepoints, blocks, exits and
 * is adopted as it likes, and ends at some time. A condition's wait ends only when it is woken, so a wake-up that is lost is
 * a deadlock. Memory is sequentially consistent.
 *
 * Checked: a handshake's function runs once for each mutator, on it or under a claim; who asked goes on when it has run
 * for all; in a stop nobody else is RUNNING; all come to their end. */
#ifndef SHAKES
#define SHAKES 2
#endif
#ifndef STOPS
#define STOPS 1
#endif
#define N 3
#define RUNNING 0
#define BLOCKED 1
#define EXITED  2
#define CLAIMED 4
byte state[N], answered[N], ran[N];
bit poll_stop[N], poll_shake[N], stop_claimed[N];
byte number;                       /* heap->handshake */
bit shake_pending, stop_requested;
bit registry, coordinator;         /* locks */
byte parked, resumed;              /* conditions: sets of who waits */
byte claim_waiters;
#define BIT(m) (1 << (m))

#define LOCK(l)   atomic { !l -> l = 1 }
#define UNLOCK(l) l = 0
/* gc_condition_wait() on the registry lock */
#define WAIT(c)   atomic { c = c | BIT(me); registry = 0 }; atomic { !(c & BIT(me)) && !registry -> registry = 1 }

/* gc_home_claim() */
inline claim(m, done) { atomic { if :: state[m] == BLOCKED || state[m] == EXITED -> state[m] = state[m] + CLAIMED; done = 1 :: else -> done = 0 fi } }

/* give_back() of home.c */
inline give_back(m) {
  state[m] = state[m] & 3;
  aw = (claim_waiters != 0); aw = aw || stop_requested; aw = aw || shake_pending;
#ifndef M_NO_WAKE_AFTER_CLAIM
  if :: aw -> LOCK(registry); d_step { parked = 0; resumed = 0; registry = 0 } :: else fi;
#endif
  aw = 0
}

/* gc_park() */
inline park() {
#ifdef M_LOOK_FIRST               /* looks at the requests, and is BLOCKED then */
  aw = stop_requested; aw = aw || shake_pending; state[me] = BLOCKED;
#else
  state[me] = BLOCKED; aw = stop_requested; aw = aw || shake_pending;
#endif
  if :: aw -> LOCK(registry); d_step { parked = 0; registry = 0 } :: else fi; aw = 0
}

/* gc_blocked_end(): try_return(), await_return() */
inline blocked_end() {
  ok = 0;
  do
  :: ok -> break
  :: else ->
     if
     :: stop_requested -> skip
     :: else ->
#ifdef M_RETURN_BY_STORE
        state[me] = RUNNING; ok = 1
#else
        atomic { if :: state[me] == BLOCKED -> state[me] = RUNNING; ok = 1 :: else fi }
#endif
     fi;
     if
     :: ok
     :: else -> LOCK(registry); claim_waiters++;
        do :: stop_requested || (state[me] & CLAIMED) -> WAIT(resumed) :: else -> break od;
        claim_waiters--; UNLOCK(registry)
     fi
  od; ok = 0
}

/* answer() of handshake.c */
inline answer(m, n) {
  atomic { assert((m == me && state[m] == RUNNING) || (state[m] & CLAIMED)); ran[m]++; assert(ran[m] == n) };
  answered[m] = n
}

/* gc_safepoint_slow(), gc_handshake_answer() */
inline safepoint() {
  atomic { sh = poll_shake[me]; poll_shake[me] = 0; stp = poll_stop[me] };
  if
  :: sh -> LOCK(registry); d_step { n = number; registry = 0 };
     if :: answered[me] < n -> answer(me, n);
#ifndef M_NO_WAKE_AFTER_ANSWER
        LOCK(registry); d_step { parked = 0; registry = 0 }
#endif
     :: else fi
  :: else
  fi;
  if :: stp -> park(); blocked_end() :: else fi; d_step { sh = 0; stp = 0; n = 0 }
}

/* gc_coordinator_acquire() */
inline coordinate() {
  atomic { if :: !coordinator -> coordinator = 1; ok = 1 :: else -> ok = 0 fi };
#ifdef M_COORDINATOR_RUNNING
  if :: ok :: else -> LOCK(coordinator) fi; ok = 0
#else
  if :: ok :: else -> park(); LOCK(coordinator); blocked_end() fi; ok = 0
#endif
}

/* shake() and await() */
inline shake() {
  coordinate(); LOCK(registry); number++; shake_pending = 1;
  o = 0; do :: o < N -> if :: o != me -> poll_shake[o] = 1 :: else fi; o++ :: else -> break od;
  UNLOCK(registry); answer(me, number); park();
  o = 0;
  do
  :: o == N -> break
  :: o < N && (o == me || answered[o] == number) -> o++
  :: o < N && o != me && answered[o] != number ->
#ifdef M_NO_CLAIM
     ok = (state[o] == BLOCKED || state[o] == EXITED);
#else
#ifdef M_SHAKE_RUNNING            /* nobody is answered for */
     ok = 0;
#else
     claim(o, ok);
#endif
#endif
     if
     :: ok -> if :: answered[o] != number -> answer(o, number) :: else fi;
        give_back(o); ok = 0
     :: else -> LOCK(registry);
#ifdef M_WAIT_UNSEEN               /* without another look under the lock */
        WAIT(parked); UNLOCK(registry)
#else
        if
#ifdef M_SHAKE_RUNNING
        :: answered[o] != number -> WAIT(parked)
#else
        :: state[o] != BLOCKED && state[o] != EXITED && answered[o] != number -> WAIT(parked)
#endif
        :: else
        fi; UNLOCK(registry)
#endif
     fi
  od;
  atomic { o = 0; assert(ran[0] == number && ran[1] == number && ran[2] == number) };
  shake_pending = 0; blocked_end(); UNLOCK(coordinator)
}

/* gc_stop_begin(), gc_stop_end() */
inline stop() {
  coordinate(); LOCK(registry); stop_requested = 1;
  o = 0; do :: o < N -> if :: o != me -> poll_stop[o] = 1 :: else fi; o++ :: else -> break od;
  do
  :: all = 1; o = 0;
     do
     :: o < N -> if :: o != me && !stop_claimed[o] -> claim(o, ok); stop_claimed[o] = ok; if :: !ok -> all = 0 :: else fi; ok = 0 :: else fi; o++
     :: else -> break
     od; o = 0;
     if :: all -> break :: else -> WAIT(parked) fi
  od; all = 0;
  UNLOCK(registry);
  atomic { assert(state[0] != RUNNING && state[2] != RUNNING) };
  LOCK(registry); stop_requested = 0;
  o = 0; do :: o < N -> poll_stop[o] = 0; if :: stop_claimed[o] -> stop_claimed[o] = 0; state[o] = state[o] & 3 :: else fi; o++ :: else -> break od; o = 0;
#ifndef M_STOP_WAKES_NOBODY
  resumed = 0;
#endif
  UNLOCK(registry); UNLOCK(coordinator)
}

/* retire() */
inline leave() { LOCK(registry); state[me] = EXITED; parked = 0; UNLOCK(registry) }

/* gc_attach(): adopt(), and its return */
inline adopt() {
  LOCK(registry);
  atomic { if :: state[me] == EXITED -> state[me] = BLOCKED; ok = 1
              :: state[me] == EXITED + CLAIMED && stop_claimed[me] -> state[me] = BLOCKED + CLAIMED; ok = 1
              :: else -> ok = 0 fi };
  UNLOCK(registry);
  if :: ok -> blocked_end() :: else fi
}

proctype Shaker(byte me) { byte n, o, i; bit aw, ok, sh, stp;
  do :: i < SHAKES -> shake(); safepoint(); i++ :: else -> break od;
  safepoint(); leave()
}
proctype Stopper(byte me) { byte n, o, i; bit aw, ok, sh, stp, all;
  do :: i < STOPS -> stop(); safepoint(); i++ :: i < STOPS -> safepoint() :: i == STOPS -> break od;
  safepoint(); leave()
}
proctype Other(byte me) { byte n; bit aw, ok, sh, stp, busy;
  if :: busy = 1 :: skip fi;                                                      /* or it does nothing but work, and poll */
end:
  do
  :: state[me] == RUNNING && (poll_shake[me] || poll_stop[me]) -> safepoint()
  :: !busy && state[me] == RUNNING -> park(); if :: blocked_end() :: skip -> break fi       /* or it waits for ever */
  :: !busy && state[me] == RUNNING -> safepoint(); leave(); if :: adopt() ; if :: state[me] == RUNNING :: else -> break fi :: skip -> break fi
  od
}
init { atomic { run Shaker(0); run Stopper(1); run Other(2) } }
