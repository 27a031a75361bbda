/* SPDX-License-Identifier: MIT */
/* log.pml - the log of objects against the barrier: core/protocol/log_object.c, core/log.c (hand-over), and what
 * collectors/coalescing/count.c makes of it.
 *
 * Two mutators store what they like into the two slots of one object, without end; the collector stops them, takes the logs,
 * and brings the counts of the two things that slots may name up to date. A stop finds a mutator between two stores, or where
 * its log gets room. A chunk holds one record; a full one is handed over. Memory is sequentially consistent.
 *
 * Checked: after each collection a count is the number of slots that name its object (CO1); a record has what the slots held
 * at the last collection (LO2); who stores has seen DIRTY, or made it so (LO1). */
byte slot[2], old[2];              /* values: 0 is NULL; old: a ghost, at the last collection */
byte count[3];
bit dirty;                         /* noted of the object */
bit kept[2]; byte kept0[2], kept1[2];      /* a mutator's chunk: a record or none */
byte queued; byte queue0[4], queue1[4];    /* handed over */
bit stopping, parked[2];

/* gc_log_flush() */
inline flush(m) {
  if :: kept[m] -> assert(queued < 4); queue0[queued] = kept0[m]; queue1[queued] = kept1[m]; queued++; kept[m] = 0; kept0[m] = 0; kept1[m] = 0 :: else fi }

/* gc_safepoint() */
#define SAFEPOINT if :: stopping -> parked[me] = 1; atomic { !stopping -> parked[me] = 0 } :: else fi

proctype M(bit me) { byte a, b, v; bit i;
  do
  :: SAFEPOINT;
     if :: i = 0 :: i = 1 fi; if :: v = 0 :: v = 1 :: v = 2 fi;
     if
     :: dirty                                                                     /* gc_barrier_is_due() */
     :: else ->
#ifndef M_ROOM_LATE
        if :: kept[me] -> d_step { flush(me) }; SAFEPOINT :: else fi;             /* gc_log_make_room() */
#endif
        if
        :: dirty
        :: else ->
#ifdef M_DIRTY_FIRST
           dirty = 1;
#endif
           a = slot[0]; b = slot[1];                                              /* copy_slot() */
#ifdef M_ROOM_LATE                 /* a safepoint between the copy and its record */
           if :: kept[me] -> d_step { flush(me) } :: skip fi; SAFEPOINT;
#endif
#ifdef M_STORE_FIRST
           slot[i] = v;
#endif
           if
#ifndef M_NO_RECHECK
#ifndef M_DIRTY_FIRST
           :: dirty
#endif
#endif
           :: else -> d_step { kept[me] = 1; kept0[me] = a; kept1[me] = b };
              dirty = 1
           fi; a = 0; b = 0
        fi
     fi;
#ifndef M_STORE_FIRST
     assert(dirty);
#endif
     atomic { slot[i] = v; i = 0; v = 0 }                                         /* gc_uncounted_store() */
  od
}

proctype C() { byte k; bit taken;
  do
  :: stopping = 1; atomic { parked[0] && parked[1] -> flush(0);                   /* coalescing_prepare_stw() */
#ifndef M_ONE_LOG
       flush(1);
#endif
       k = 0; taken = 0;
       do :: k < queued -> assert(queue0[k] == old[0] && queue1[k] == old[1]);
#ifdef M_DUPLICATES
             if :: 1 ->
#else
             if :: dirty ->
#endif
                dirty = 0; count[slot[0]]++; count[slot[1]]++;                    /* take_up_logged() */
                assert(count[queue0[k]] > 0); count[queue0[k]]--; count[queue1[k]]--     /* take_down_logged() */
             :: else fi;
             queue0[k] = 0; queue1[k] = 0; k++
          :: else -> break od; k = 0; queued = 0; count[0] = 2;
       assert(!dirty);
       assert(count[1] == (slot[0] == 1) + (slot[1] == 1) && count[2] == (slot[0] == 2) + (slot[1] == 2));
       old[0] = slot[0]; old[1] = slot[1] };
     stopping = 0; !parked[0] && !parked[1]
  od
}
init { count[0] = 2; atomic { run M(0); run M(1); run C() } }
