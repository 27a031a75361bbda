; What has no end is an error, and the next form goes on.
(define down (lambda (n) (+ 1 (down n))))
(down 1)
;=> error: too deep
(define ring (cons 1 (quote ())))
(set-cdr! ring ring)
(print ring)
;=> (1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ...)
(print (- 8 1))
;=> 7
(nothing 1 2)
;=> error: a name without a value
(car 5)
;=> error: not a pair
((lambda (a b) a) 1)
;=> error: not a pair
(5 5)
;=> error: not a function
(+ 9223372036854775807 1)
;=> error: a number is too large
(weak (quote ()))
;=> error: nothing to refer to
(print (quote (a . b)))
;=> (a . b)
(print (+ 1 2)
;=> error: no form where one should be
