-- The function that Rust calls in a loop.
return function(x) return x + 1 end
