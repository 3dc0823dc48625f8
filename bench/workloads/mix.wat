(module
  (func (export "run") (param $n i64) (result i64)
    (local $s i64) (local $hash i64) (local $i i64)
    (local.set $s (i64.const 0x9E3779B97F4A7C15))
    (local.set $hash (i64.const 0xCBF29CE484222325))
    (block $end
      (br_if $end (i64.ge_u (local.get $i) (local.get $n)))
      (loop $head
        (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 13))))
        (local.set $s (i64.xor (local.get $s) (i64.shr_u (local.get $s) (i64.const 7))))
        (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 17))))
        (local.set $hash
          (i64.rotl
            (i64.mul
              (i64.xor (local.get $hash) (local.get $s))
              (i64.const 0x00000100000001B3))
            (i64.const 23)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $head (i64.lt_u (local.get $i) (local.get $n)))))
    (local.get $hash)))
