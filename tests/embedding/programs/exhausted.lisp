; --heap 1048576
; needs reclaims
; alone
; Memory runs out; what has been dropped by that is there for the next form.
(define grow (lambda (list) (grow (cons (cons 1 list) list))))
(grow (quote ()))
;=> error: out of memory
(define build (lambda (n list) (if (= n 0) list (build (- n 1) (cons n list)))))
(print (car (cdr (build 300 (quote ())))))
;=> 2
(define hold (lambda (n) (cons (build 200 (quote ())) (hold n))))
(print (hold 1))
;=> error: out of memory
(print (car (build 300 (quote ()))))
;=> 1
