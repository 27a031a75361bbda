; Garbage that only a cycle keeps: closures in their own environments, circular lists. Each
; cycle holds a resource, which must be given back.
(define make-cycle (lambda (held) (begin
    (define self (lambda () (cons self held)))
    (define other (lambda () (cons self other)))
    (self))))
(define many (lambda (n) (if (= n 0) 0 (begin (make-cycle (resource)) (many (- n 1))))))
(print (many 300))
;=> 0
(define make-ring (lambda (n) (begin
    (define first (cons (resource) (quote ())))
    (define build (lambda (n list) (if (= n 0) list (build (- n 1) (cons n list)))))
    (set-cdr! first (build n first))
    (car (cdr first)))))
(define rings (lambda (n) (if (= n 0) 0 (begin (make-ring n) (rings (- n 1))))))
(print (rings 50))
;=> 0
(define kept (make-cycle (resource)))
(collect)
(print (pair? ((car kept))))
;=> 1
(print (car (cons (quote kept) kept)))
;=> kept
(define kept 0)
(set! kept 1)
