// What all sources share. OpenCL C 1.2: macros instead of inline functions, since old compilers of phones do not inline.

// A block of memory is two arguments: a buffer, and the distance in bytes to where the values lie.
#define ARG(type, name) global type *name##_base, const ulong name##_at
#define USE(type, name) global type *name = (global type *)((global char *)name##_base + name##_at)

// The same where nothing else that is written lies there.
#define USE_ONLY(type, name) global type *restrict name = (global type *restrict)((global char *)name##_base + name##_at)

// Macros of one number on the four of a vector.
#define MAP4(f, v) (float4)(f(v.x), f(v.y), f(v.z), f(v.w))
#define MAP4_2(f, a, b) (float4)(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w))

