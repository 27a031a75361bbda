; Closures, recursion, tail calls, assignment.
(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))
(print (fib 12))
;=> 144
(define count-up (lambda (n m) (if (= n m) n (count-up (+ n 1) m))))
(print (count-up 0 5000))
;=> 5000
(define make-counter (lambda (n) (lambda () (set! n (+ n 1)) n)))
(define a (make-counter 10))
(define b (make-counter 100))
(a) (a) (b)
(print (cons (a) (cons (b) (quote ()))))
;=> (13 102)
(define compose (lambda (f g) (lambda (x) (f (g x)))))
(define twice (lambda (f) (compose f f)))
(print ((twice (twice (lambda (x) (+ x 3)))) 1))
;=> 13
(define map (lambda (f l) (if l (cons (f (car l)) (map f (cdr l))) (quote ()))))
(print (map (lambda (x) (+ x x)) (quote (1 2 3 (4)))))
;=> error: not a number
(print (map (lambda (x) (cons x (quote (end)))) (quote (1 (2 3) four))))
;=> ((1 end) ((2 3) end) (four end))
(define even? (lambda (n) (if (= n 0) 1 (odd? (- n 1)))))
(define odd? (lambda (n) (if (= n 0) (quote ()) (even? (- n 1)))))
(print (cons (even? 1000) (odd? 1000)))
;=> (1)
(define y (lambda (f) ((lambda (x) (f (lambda (v) ((x x) v)))) (lambda (x) (f (lambda (v) ((x x) v)))))))
(print ((y (lambda (self) (lambda (n) (if (< n 1) 0 (+ n (self (- n 1))))))) 40))
;=> 820
(define rest (lambda (n) (begin (define inner (lambda (k) (+ n k))) (inner 5))))
(print (rest 7))
;=> 12
(print (if (quote ()) 1))
;=> ()
(print car)
;=> builtin
(print rest)
;=> closure
