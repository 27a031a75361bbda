; Threads hand each other lists, closures and cycles, through one root. A closure of another
; thread runs in that one's environment.
(define build (lambda (n list) (if (= n 0) list (build (- n 1) (cons n list)))))
(define sum (lambda (list n) (if list (sum (cdr list) (+ n (car list))) n)))
(define give (lambda (n) (begin
    (define list (build n (quote ())))
    (define me (lambda () (cons list me)))
    (share! me)
    n)))
(define take (lambda (f) (if f (sum (car (f)) 0) 0)))
(define play (lambda (n wrong) (if (= n 0) wrong (begin
    (give 20)
    (play (- n 1) (if (= (take (shared)) 210) wrong (+ wrong 1)))))))
(print (play 60 0))
;=> 0
(define base (build 20 (quote ())))
(define race (lambda (n) (if (= n 0) 0 (begin
    (define cell (cons n (quote ())))
    (define me (lambda () (cons base (cons cell me))))
    (set-cdr! cell (shared))
    (share! me)
    (race (- n 1))))))
(print (race 60))
;=> 0
(print (take (shared)))
;=> 210
