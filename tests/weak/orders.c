/* SPDX-License-Identifier: MIT */
/* orders.c - each order that stands in the sources, the kernel that fails without it, or why none
 * does.
 *
 * What core has for all protocols is tried with `biased`, which has all of it, but where that
 * protocol does not come there.
 */
#include "tests/weak/orders.h"

#define NEEDED(name, protocol, kernel)                                                   \
    {                                                                                    \
        name, protocol, kernel, NULL                                                     \
    }
#define SPARE(name, why)                                                                 \
    {                                                                                    \
        name, NULL, NULL, why                                                            \
    }

#define DEAD                                                                             \
    "nobody acquires what is DEAD; and exchanges pass on what was released before them"
#define LOCK "both sides do it under the registry lock"
#define ONE  "both sides exchange one and the same word"
#define LOOK "the look before it, or the exchange behind it, acquires the same"
#define AGAIN                                                                            \
    "who has stored it looks at it again, seq_cst, before he looks at the other word"
#define SHAKE "the handshake that lies between passes on the same"
#define HELP  "who is not woken, or comes too late, leaves his part to the stopper"
#define UNDO  "who undoes has not looked at the object"
#define ENTRY                                                                            \
    "the reference of the entry is dropped later, by who has merged or knows of it"
#define HERE    "it is not in this build, which stores as a release build does"
#define VAIN    "who reads the old value takes the lock and looks again, or wakes in vain"
#define COLD    "no kernel comes here: it takes a thread that cannot be started"
#define RARE    "needed; no kernel has come into its window"
#define NOTLOOK "nothing is looked at behind what is found: it is only linked to"
#define TWICE                                                                            \
    "needed only where a reference was taken without right to it, and is the last twice"

const struct weak_order_known weak_orders[] = {
    /* clang-format off */
    SPARE("collectors/on_the_fly/mark.c:blacken:store:release", RARE),
    SPARE("collectors/on_the_fly/mark.c:otf_mark_roots:exchange:acquire", SHAKE),
    SPARE("collectors/on_the_fly/mark.c:otf_scan:compare_exchange:release", SHAKE),
    SPARE("collectors/on_the_fly/mark.c:reach_root:slot load:acquire", RARE),
    NEEDED("collectors/on_the_fly/mark.c:reach_slot:slot load:acquire", "biased", "published"),
    SPARE("core/allocate.c:gc_new_slow:store:release", RARE),
    NEEDED("core/block.h:gc_cell_reset:store:release", "biased", "weak"),
    SPARE("core/collect.c:begin:compare_exchange:acquire", LOCK),
    SPARE("core/collect.c:begin:compare_exchange:release", LOCK),
    SPARE("core/collect.c:begin:compare_exchange:seq_cst", LOCK),
    SPARE("core/collect.c:end:store:release", LOCK),
    SPARE("core/collect.c:end:store:seq_cst", LOCK),
    NEEDED("core/handshake.c:answer:store:release", "biased", "handshake"),
    SPARE("core/handshake.c:await:load:acquire", LOCK),
    SPARE("core/handshake.c:await:load:seq_cst", LOCK),
    NEEDED("core/handshake.c:has_answered:load:acquire", "biased", "handshake"),
    SPARE("core/handshake.c:shake:store:release", AGAIN),
    SPARE("core/handshake.c:shake:store:seq_cst", AGAIN),
    SPARE("core/home.c:deliver:compare_exchange:acquire", NOTLOOK),
    NEEDED("core/home.c:deliver:compare_exchange:release", "biased", "named"),
    SPARE("core/home.c:deliver:compare_exchange:seq_cst", AGAIN),
    NEEDED("core/home.c:gc_home_claim:compare_exchange:acquire", "biased", "arrivals"),
    SPARE("core/home.c:gc_home_claim:compare_exchange:release", ONE),
    SPARE("core/home.c:gc_home_claim:compare_exchange:seq_cst", ONE),
    NEEDED("core/home.c:gc_home_claim:load:acquire", "biased", "entry"),
    NEEDED("core/home.c:gc_home_claim:load:seq_cst", "biased", "entry"),
    NEEDED("core/home.c:give_back:load2:acquire", "atomic", "waiting"),
    NEEDED("core/home.c:give_back:load2:seq_cst", "atomic", "waiting"),
    NEEDED("core/home.c:give_back:load3:acquire", "atomic", "waiting"),
    NEEDED("core/home.c:give_back:load3:seq_cst", "atomic", "waiting"),
    NEEDED("core/home.c:give_back:load:acquire", "biased", "returning"),
    NEEDED("core/home.c:give_back:load:seq_cst", "biased", "returning"),
    NEEDED("core/home.c:give_back:store:release", "biased", "returning"),
    NEEDED("core/home.c:give_back:store:seq_cst", "biased", "returning"),
    NEEDED("core/home.c:has_arrivals:load:acquire", "biased", "arrivals"),
    NEEDED("core/home.c:has_arrivals:load:seq_cst", "biased", "arrivals"),
    NEEDED("core/home.c:take_in:exchange:acquire", "biased", "load"),
    NEEDED("core/home.h:gc_home_tell:fetch_or:release", "biased", "adoption"),
    SPARE("core/protocol/atomic.c:eager_drop_unless_last:compare_exchange:release", UNDO),
    NEEDED("core/protocol/atomic.c:eager_release:compare_exchange:acquire", "atomic", "weak"),
    SPARE("core/protocol/atomic.c:eager_release:compare_exchange:release", DEAD),
    NEEDED("core/protocol/atomic.c:eager_release:fetch_sub:release", "atomic", "load"),
    NEEDED("core/protocol/atomic.c:eager_release:load:acquire", "atomic", "rebuilt"),
    NEEDED("core/protocol/atomic.c:eager_release:load:seq_cst", "atomic", "entry"),
    SPARE("core/protocol/atomic.c:finish_zero:compare_exchange:acquire", LOOK),
    SPARE("core/protocol/atomic.c:finish_zero:compare_exchange:release", DEAD),
    SPARE("core/protocol/atomic.c:finish_zero:load:acquire", TWICE),
    SPARE("core/protocol/atomic.c:kill:compare_exchange:acquire", RARE),
    SPARE("core/protocol/atomic.c:kill:compare_exchange:release", DEAD),
    NEEDED("core/protocol/atomic.h:gc_counts_try_take:compare_exchange:acquire", "atomic", "load"),
    NEEDED("core/protocol/atomic.h:gc_counts_try_take:compare_exchange:release", "atomic", "rebuilt"),
    NEEDED("core/protocol/atomic.h:gc_counts_try_take:compare_exchange:seq_cst", "atomic", "rebuilt"),
    NEEDED("core/protocol/atomic.h:gc_eager_drop:fetch_sub:release", "atomic", "weak"),
    NEEDED("core/protocol/biased.c:drain:exchange:acquire", "biased", "adoption"),
    NEEDED("core/protocol/biased.c:has_sent:load:acquire", "biased", "entry"),
    NEEDED("core/protocol/biased.c:has_sent:load:seq_cst", "biased", "entry"),
    SPARE("core/protocol/biased.c:kill:compare_exchange:acquire", RARE),
    SPARE("core/protocol/biased.c:kill:compare_exchange:release", DEAD),
    SPARE("core/protocol/biased.c:merge:compare_exchange:release", ENTRY),
    NEEDED("core/protocol/biased.c:release_last:load:acquire", "biased", "stable"),
    NEEDED("core/protocol/biased.c:release_last:load:seq_cst", "biased", "rebuilt"),
    NEEDED("core/protocol/biased.c:release_other:compare_exchange:acquire", "biased", "load"),
    NEEDED("core/protocol/biased.c:release_other:compare_exchange:release", "biased", "joined"),
    SPARE("core/protocol/biased.c:release_other:load2:acquire", LOOK),
    NEEDED("core/protocol/biased.c:release_other:load:acquire", "biased", "written"),
    NEEDED("core/protocol/biased.c:release_shared:compare_exchange:acquire", "biased", "stable"),
    NEEDED("core/protocol/biased.c:release_shared:compare_exchange:release", "biased", "joined"),
    NEEDED("core/protocol/biased.c:release_shared:load:acquire", "biased", "written"),
    SPARE("core/protocol/biased.c:send:compare_exchange:acquire", NOTLOOK),
    NEEDED("core/protocol/biased.c:send:compare_exchange:release", "biased", "returning"),
    SPARE("core/protocol/biased.c:send:compare_exchange:seq_cst", AGAIN),
    NEEDED("core/protocol/biased.h:gc_biased_take_other:compare_exchange:acquire", "biased", "rebuilt"),
    NEEDED("core/protocol/biased.h:gc_biased_take_other:compare_exchange:release", "biased", "joined"),
    NEEDED("core/protocol/biased.h:gc_biased_take_other:compare_exchange:seq_cst", "biased", "rebuilt"),
    NEEDED("core/protocol/eager.h:gc_eager_exchange:slot exchange:acquire", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_eager_exchange:slot exchange:release", "biased", "joined"),
    NEEDED("core/protocol/eager.h:gc_eager_exchange:slot exchange:seq_cst", "biased", "load"),
    SPARE("core/protocol/eager.h:gc_eager_read:slot load:acquire", LOOK),
    NEEDED("core/protocol/eager.h:gc_eager_read_again:slot load:acquire", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_eager_read_again:slot load:seq_cst", "biased", "load"),
    SPARE("core/protocol/eager.h:gc_eager_replace:slot exchange:acquire", HERE),
    SPARE("core/protocol/eager.h:gc_eager_replace:slot exchange:release", HERE),
    NEEDED("core/protocol/eager.h:gc_eager_replace:slot store:release", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_eager_settle_removals:fence:acquire", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_eager_settle_removals:fence:release", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_eager_settle_removals:fence:seq_cst", "biased", "load"),
    NEEDED("core/protocol/eager.h:gc_protocol_store_new:slot store:release", "biased", "filled"),
    NEEDED("core/protocol/log_object.c:copy_slot:slot load:acquire", "biased", "log"),
    SPARE("core/protocol/satb.c:gc_satb_store:slot load:acquire", RARE),
    SPARE("core/protocol/satb.c:gc_satb_weak_close:compare_exchange:acquire", ONE),
    SPARE("core/protocol/satb.c:gc_satb_weak_close:compare_exchange:release", ONE),
    SPARE("core/protocol/satb.c:gc_satb_weak_close:compare_exchange:seq_cst", ONE),
    SPARE("core/protocol/satb.c:gc_satb_weak_set:store:release", SHAKE),
    SPARE("core/protocol/satb.c:gc_satb_weak_set:store:seq_cst", SHAKE),
    SPARE("core/protocol/satb.c:revive:compare_exchange:acquire", ONE),
    SPARE("core/protocol/satb.c:revive:compare_exchange:release", ONE),
    SPARE("core/protocol/satb.c:revive:compare_exchange:seq_cst", ONE),
    SPARE("core/protocol/satb.c:revive:load:acquire", SHAKE),
    SPARE("core/protocol/satb.c:revive:load:seq_cst", SHAKE),
    SPARE("core/protocol/satb.c:seems_white:load:acquire", RARE),
    NEEDED("core/protocol/uncounted.h:gc_protocol_load_shared:slot load:acquire", "biased", "published"),
    SPARE("core/protocol/uncounted.h:gc_uncounted_compare_exchange:slot compare_exchange:acquire", LOOK),
    NEEDED("core/protocol/uncounted.h:gc_uncounted_compare_exchange:slot compare_exchange:release", "biased", "published"),
    NEEDED("core/protocol/uncounted.h:gc_uncounted_exchange:slot exchange:acquire", "biased", "published"),
    NEEDED("core/protocol/uncounted.h:gc_uncounted_exchange:slot exchange:release", "biased", "published"),
    NEEDED("core/protocol/uncounted.h:gc_uncounted_store:slot store:release", "biased", "published"),
    NEEDED("core/safepoint.c:await_return:fetch_add:acquire", "biased", "returning"),
    NEEDED("core/safepoint.c:await_return:fetch_add:release", "biased", "returning"),
    NEEDED("core/safepoint.c:await_return:fetch_add:seq_cst", "biased", "returning"),
    SPARE("core/safepoint.c:await_return:fetch_sub:acquire", VAIN),
    SPARE("core/safepoint.c:await_return:fetch_sub:release", VAIN),
    SPARE("core/safepoint.c:await_return:fetch_sub:seq_cst", VAIN),
    NEEDED("core/safepoint.c:await_return:load:acquire", "biased", "returning"),
    NEEDED("core/safepoint.c:await_return:load:seq_cst", "biased", "returning"),
    NEEDED("core/safepoint.c:gc_park:load2:acquire", "biased", "coordinator"),
    NEEDED("core/safepoint.c:gc_park:load2:seq_cst", "biased", "coordinator"),
    NEEDED("core/safepoint.c:gc_park:load:acquire", "biased", "stopped"),
    NEEDED("core/safepoint.c:gc_park:load:seq_cst", "biased", "stopped"),
    NEEDED("core/safepoint.c:gc_park:store:release", "biased", "named"),
    NEEDED("core/safepoint.c:gc_park:store:seq_cst", "biased", "arrivals"),
    NEEDED("core/safepoint.c:gc_safepoint_slow:fetch_and:acquire", "biased", "adoption"),
    NEEDED("core/safepoint.c:gc_stop_begin:store:release", "biased", "stopped"),
    NEEDED("core/safepoint.c:gc_stop_begin:store:seq_cst", "biased", "stopped"),
    NEEDED("core/safepoint.c:gc_stop_end_unlogged:store2:release", "biased", "stop_end"),
    NEEDED("core/safepoint.c:gc_stop_end_unlogged:store2:seq_cst", "biased", "stop_end"),
    SPARE("core/safepoint.c:gc_stop_end_unlogged:store:release", VAIN),
    SPARE("core/safepoint.c:gc_stop_end_unlogged:store:seq_cst", VAIN),
    NEEDED("core/safepoint.c:try_return:compare_exchange:acquire", "biased", "handshake"),
    SPARE("core/safepoint.c:try_return:compare_exchange:release", ONE),
    SPARE("core/safepoint.c:try_return:compare_exchange:seq_cst", ONE),
    SPARE("core/safepoint.c:unpark:compare_exchange:acquire", RARE),
    SPARE("core/safepoint.c:unpark:compare_exchange:release", ONE),
    SPARE("core/safepoint.c:unpark:compare_exchange:seq_cst", ONE),
    NEEDED("core/share.c:await:store:release", "biased", "share"),
    NEEDED("core/share.c:await:store:seq_cst", "biased", "share"),
    NEEDED("core/share.c:finish:store:release", "biased", "share"),
    NEEDED("core/share.c:finish:store:seq_cst", "biased", "share"),
    NEEDED("core/share.c:gc_share_help:load:acquire", "biased", "share"),
    NEEDED("core/share.c:gc_share_help:load:seq_cst", "biased", "share"),
    SPARE("core/share.c:gc_share_is_offered:load:acquire", LOOK),
    SPARE("core/share.c:gc_share_is_offered:load:seq_cst", HELP),
    NEEDED("core/share.c:offer_parts:store:release", "biased", "share"),
    SPARE("core/share.c:offer_parts:store:seq_cst", HELP),
    NEEDED("core/share.c:is_done:load:acquire", "biased", "share"),
    NEEDED("core/share.c:is_done:load:seq_cst", "biased", "share"),
    SPARE("core/share.c:take:compare_exchange:acquire", LOOK),
    SPARE("core/share.c:wake_sleepers:load:acquire", HELP),
    SPARE("core/share.c:wake_sleepers:load:seq_cst", HELP),
    SPARE("core/sweep.c:find:fetch_sub:release", RARE),
    SPARE("core/sweep.c:gc_sweep_is_under_way:load:acquire", RARE),
    SPARE("core/sweep.c:sweep_span:load:acquire", RARE),
    SPARE("core/thread.c:adopt:compare_exchange:acquire", LOOK),
    SPARE("core/thread.c:adopt:compare_exchange:release", ONE),
    SPARE("core/thread.c:adopt:compare_exchange:seq_cst", ONE),
    SPARE("core/thread.c:adopt:store:release", LOCK),
    SPARE("core/thread.c:adopt:store:seq_cst", LOCK),
    NEEDED("core/thread.c:append_new:store:release", "biased", "stopped"),
    SPARE("core/thread.c:give_up:compare_exchange:acquire", COLD),
    SPARE("core/thread.c:give_up:compare_exchange:release", COLD),
    SPARE("core/thread.c:give_up:compare_exchange:seq_cst", COLD),
    NEEDED("core/thread.c:retire:store:release", "biased", "entry"),
    NEEDED("core/thread.c:retire:store:seq_cst", "biased", "entry"),
    SPARE("core/thread.c:return_from_exit:compare_exchange:acquire", LOOK),
    SPARE("core/thread.c:return_from_exit:compare_exchange:release", ONE),
    SPARE("core/thread.c:return_from_exit:compare_exchange:seq_cst", ONE),
    NEEDED("core/thread.h:gc_next_mutator:load:acquire", "biased", "stopped"),
    NEEDED("core/type.c:gc_type_register:store:release", "biased", "types"),
    NEEDED("core/type.h:gc_type_id:load:acquire", "biased", "types"),
    /* clang-format on */
    { NULL, NULL, NULL, NULL },
};
