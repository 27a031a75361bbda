; needs weak
; alone: a collection that is asked for while another runs does nothing
; A weak reference keeps nothing, and shows what somebody else keeps.
(define list (cons 1 (cons 2 (quote ()))))
(define reference (weak list))
(collect)
(print (target reference))
;=> (1 2)
(set! list 0)
(collect)
(print (target reference))
;=> ()
(print reference)
;=> weak reference
