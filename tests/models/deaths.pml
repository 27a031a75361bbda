/* SPDX-License-Identifier: MIT */
/* deaths.pml - death by a look at the count, without a read-modify-write (Spin).
 *
 * One cell. A owns it and writes the slot S with plain stores, which wait in a buffer as on
 * x86; B1 and B2 load S, the slot K, or the weak reference w in a race, exchange K, make the
 * weak reference. Who finds that his own reference is all there is, and no care due, frees the
 * cell by saying so in `gone`, which nobody else reads; the count word stays: what a racing
 * load adds to it, and takes off again, is never overwritten. The next object that is born
 * there writes no count either.
 *
 *   default     `biased`: the owner's half `lc`, plain; the shared half (n, M, Q, D), one atom
 *   -DATOMIC    `atomic`: n is all, 1 in a free cell; D is DEAD
 *   -DTRIES=N   of each B (2)        -DBIRTHS=N  objects in the cell (2)
 * Mutants:
 *   -DNOFENCE   no fence between a plain store that removes a reference and the look
 *   -DBLIND     a birth writes the count
 *   -DNOCARE    what has a weak reference dies by the look, too
 *   -DEARLY     the state is looked at before the count
 *   -DNOREREAD  a racing load does not look at its slot again
 */
#ifndef TRIES
#define TRIES 2
#endif
#ifndef BIRTHS
#define BIRTHS 2
#endif
#define STORES 2 /* of A to S and K, for each object */

#ifdef ATOMIC
short n = 1;
#else
short n = 0;
#endif
bit M, Q, D;
bit own = 1;
byte lc = 1;
bit care;    /* state: there is a weak reference */
bit S, K, w;
chan sb = [2] of { bit }; /* A's stores to S that nobody sees yet */
byte q, births = 1, done;
bit gone, arrived; /* dead; on its way home */
/* ghosts */
byte held = 1; /* references in slots and locals */
bit spent;     /* the weak reference has been made */

#define DRAINED empty(sb) /* every read-modify-write of A waits for it */

active proctype Buffer()
{
end:
    do
    :: atomic { sb?[0] -> sb?0; S = 0 }
    :: atomic { sb?[1] -> sb?1; S = 1 }
    od
}

/* The cell is dead; whoever killed it has `me`. */
inline bury(by_look)
{
    if
    :: !by_look -> w = 0 /* first the weak references, then the cell */
    :: else
    fi;
    if
    :: me -> home()
    :: else -> arrived = 1
    fi
}
inline home()
{
    /* D: nobody changes the word, so it may be written. */
    atomic {
        if
        :: D -> assert(gone);
#ifdef ATOMIC
           n = 1;
#else
           n = 0; M = 0; Q = 0;
#endif
           D = 0; own = 1; lc = 1
        :: else
        fi
    };
    infree = 1
}
inline die(by_look)
{
    assert(held == 0 && !gone && !Q);
    gone = 1
}

#ifdef ATOMIC

inline drop()
{
    do
    :: true ->
#ifndef NOFENCE
       if :: me && stores -> DRAINED; stores = 0 :: else fi;
#endif
#ifdef EARLY
       c = care;
#endif
       one = (n == 1);
       if
       :: one ->
#ifndef EARLY
          c = care;
#endif
#ifdef NOCARE
          c = 0;
#endif
          if
          :: !c -> atomic { die(1) }; bury(1); break
          :: else ->
             one = 0;
             atomic { (!me || DRAINED) -> if :: n == 1 -> D = 1; one = 1; die(0) :: else fi };
             if :: one -> bury(0); break :: else fi
          fi
       :: else ->
          atomic { (!me || DRAINED) -> assert(!D && n > 0); n--; one = (n == 0) };
          if
          :: one ->
             one = 0;
             atomic { (!me || DRAINED) -> if :: n == 0 && !D -> D = 1; one = 1; die(0) :: else fi };
             if :: one -> bury(0) :: else fi
          :: else
          fi;
          break
       fi
    od;
    one = 0; c = 0
}
inline undo()
{
    atomic {
        (!me || DRAINED) -> assert(!D && n > 0);
        if
        :: n == 1 -> later++
        :: else -> n--
        fi
    }
}
inline drain() { skip }

#else

inline drop()
{
    do
    :: me && own && lc > 1 -> lc--; break
    :: me && own && lc == 1 ->
#ifndef NOFENCE
       if :: stores -> DRAINED; stores = 0 :: else fi;
#endif
#ifdef EARLY
       c = care;
#endif
       one = (n == 0 && !Q && !M && !D);
#ifndef EARLY
       c = care;
#endif
#ifdef NOCARE
       c = 0;
#endif
       if
       :: one && !c -> atomic { die(1) }; bury(1)
       :: else ->
          own = 0;
          one = 0;
          atomic {
              DRAINED -> assert(!M && !D);
              if
              :: n == 0 && !Q -> D = 1; one = 1; die(0)
              :: else -> M = 1
              fi
          };
          if :: one -> bury(0) :: else fi
       fi;
       break
    :: else ->
       one = 0;
       atomic {
           (!me || DRAINED) -> assert(!D && !gone);
           if
           :: !M && n == 0 && !Q -> Q = 1; q++
           :: M && n == 1 && !Q -> D = 1; one = 1; die(0)
           :: else -> n--; assert(!M || n >= 1)
           fi
       };
       if :: one -> bury(0) :: else fi;
       break
    od;
    one = 0; c = 0
}
inline undo()
{
    atomic {
        (!me || DRAINED) -> assert(!D);
        if
        :: !M && n == 0 && !Q -> assert(!gone); Q = 1; q++
        :: M && n == 1 && !Q -> later++
        :: else -> n--; assert(!M || n >= 1)
        fi
    }
}
/* Of A alone: its entry's reference is dropped afterwards. */
inline drain()
{
    do
    :: q > 0 ->
       q--;
       assert(Q && !D && !gone);
       one = own; own = 0;
       atomic { DRAINED -> if :: one -> n = n + lc; M = 1 :: else fi; Q = 0; assert(M && n >= 1) };
       one = 0; later++
    :: else -> break
    od
}

#endif

inline settle()
{
    do
    :: later > 0 -> later--; drop()
    :: else -> break
    od
}

/* A racing load of a slot: K, S, or the weak reference. */
inline load(slot)
{
    t = (slot);
    if
    :: t ->
#ifndef ATOMIC
       if
       :: me && own -> lc++; atomic { got = 1; held++; assert(!gone) }
       :: else ->
#endif
          ok = 0;
          atomic { (!me || DRAINED) -> if :: !D -> n++; ok = 1 :: else fi };
          if
          :: ok ->
#ifdef NOREREAD
             atomic { got = 1; held++; assert(!gone) }
#else
             atomic { if :: (slot) -> got = 1; held++; assert(!gone && !D) :: else fi };
             if :: !got -> undo() :: else fi
#endif
          :: else
          fi
#ifndef ATOMIC
       fi
#endif
    :: else
    fi;
    t = 0; ok = 0
}

/* Who holds it makes a weak reference. */
inline make_weak()
{
    spent = 1;
    assert(!gone);
    care = 1;
    w = 1
}

active proctype A()
{
    bit me = 1, one, c, t, ok, got, infree, stores;
    bit a = 1, inS = 0; /* A's local; what A has stored to S */
    byte later, left = STORES;
    do
    :: a && !inS && left > 0 && nfull(sb) -> /* plain store over NULL */
       left--;
#ifdef ATOMIC
       atomic { DRAINED -> n++; held++ };
#else
       if
       :: own -> lc++; held++
       :: else -> atomic { DRAINED -> n++; held++ }
       fi;
#endif
       atomic { sb!1; inS = 1 }
    :: inS && nfull(sb) -> /* plain store of NULL */
       atomic { sb!0; inS = 0; stores = 1; held-- };
       drop()
    :: a && left > 0 -> /* exchange K for it */
       left--;
#ifdef ATOMIC
       atomic { DRAINED -> n++; held++ };
#else
       if
       :: own -> lc++; held++
       :: else -> atomic { DRAINED -> n++; held++ }
       fi;
#endif
       atomic { DRAINED -> got = K; K = 1; if :: got -> held-- :: else fi };
       if :: got -> got = 0; drop() :: else fi
    :: a -> a = 0; held--; drop()
    :: a && !spent -> make_weak()
    :: K -> load(K);
       if :: got -> got = 0; held--; drop() :: else fi
    :: K -> atomic { DRAINED -> got = K; K = 0; if :: got -> held-- :: else fi };
       if :: got -> got = 0; drop() :: else fi
    :: q > 0 || later > 0 -> drain(); settle()
    :: arrived -> arrived = 0; home()
    :: infree && births < BIRTHS ->
       infree = 0; births++; left = STORES;
       assert(!w); /* nothing names a cell that is used again */
       care = 0;
       atomic {
           gone = 0; a = 1; held = 1;
#ifdef BLIND
#ifdef ATOMIC
           n = 1
#else
           n = 0
#endif
#endif
       }
    :: infree && births == BIRTHS && done == 2 && q == 0 && later == 0 -> break
    od;
    DRAINED;
    assert(gone && held == 0 && !D && !M && !Q && !S && !K && !w);
#ifdef ATOMIC
    assert(n == 1)
#else
    assert(n == 0 && own && lc == 1)
#endif
}

proctype B()
{
    bit me, one, c, t, ok, got, infree, stores;
    byte later, tries = TRIES;
    do
    :: tries > 0 ->
       tries--;
       if
       :: load(S)
       :: load(K)
       :: w -> load(w)
       :: atomic { got = K; K = 0 } /* takes K's reference */
       fi;
       if
       :: got ->
          if
          :: skip
          :: !spent -> make_weak()
          :: atomic { ok = K; K = 1; if :: !ok -> got = 0 :: else fi }; ok = 0 /* hands it on */
          fi;
          if :: got -> got = 0; assert(!gone); held--; drop() :: else fi
       :: else
       fi;
       settle()
    :: else -> break
    od;
    done++
}

init { atomic { run B(); run B() } }
