// What all sources share. OpenCL C 1.2: macros instead of inline functions, since old compilers of phones do not inline.

// Number of the group. A launch that would take long is cut into several that begin at a distance, and only global numbers count that distance.
#define GROUP(axis) ((int)((uint)(get_global_id(axis) - get_local_id(axis)) / (uint)get_local_size(axis)))

// A block of memory is two arguments: a buffer, and the distance in bytes to where the values lie.
#define ARG(type, name) global type *name##_base, const ulong name##_at
#define USE(type, name) global type *name = (global type *)((global char *)name##_base + name##_at)

// The same where nothing else that is written lies there.
#define USE_ONLY(type, name) global type *restrict name = (global type *restrict)((global char *)name##_base + name##_at)

// Macros of one number on the four of a vector.
#define MAP4(f, v) (float4)(f(v.x), f(v.y), f(v.z), f(v.w))
#define MAP4_2(f, a, b) (float4)(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w))

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

// The types of operands in memory: float, or half where the launch says so. Halves have 16 bits; they are floats to arithmetic, and rounded to the nearest when
// they are written. GET and PUT are for one number, GET4 and PUT4 for four neighbors of which the first has a number that 4 divides.
#ifndef TX
#define TX float
#endif
#ifndef TY
#define TY float
#endif
#ifndef TA
#define TA float
#endif
#ifndef TB
#define TB float
#endif
#ifndef TC
#define TC float
#endif
#ifndef TR
#define TR float
#endif
#define GET(type, p) PASTE(GET_, type)(p)
#define GET_float(p) (*(p))
#define GET_half(p) vload_half(0, p)
#define GET2(type, p) PASTE(GET2_, type)(p)
#define GET2_float(p) (*(global const float2 *)(p))
#define GET2_half(p) vloada_half2(0, p)
#define GET4(type, p) PASTE(GET4_, type)(p)
#define GET4_float(p) (*(global const float4 *)(p))
#define GET4_half(p) vloada_half4(0, p)
#define PUT(type, p, v) PASTE(PUT_, type)(p, v)
#define PUT_float(p, v) (*(p) = (v))
#define PUT_half(p, v) vstore_half_rte(v, 0, p)
#define PUT2(type, p, v) PASTE(PUT2_, type)(p, v)
#define PUT2_float(p, v) (*(global float2 *)(p) = (v))
#define PUT2_half(p, v) vstorea_half2_rte(v, 0, p)
#define PUT4(type, p, v) PASTE(PUT4_, type)(p, v)
#define PUT4_float(p, v) (*(global float4 *)(p) = (v))
#define PUT4_half(p, v) vstorea_half4_rte(v, 0, p)

// Neighbors that an element-wise work-item takes: 4 as a vector, or 1 by the compiler's options where vectors are switched off.
#ifndef WIDE
#define WIDE 4
#endif

// One number or four neighbors as a vector; pack is 1 or 4, the same for all work-items. Of one number all four are the same.
#define LOAD_AS(type, pack, p) ((pack) == 4 ? GET4(type, p) : (float4)(GET(type, p)))
#define STORE_AS(type, pack, p, v) \
    do \
    { \
        if ((pack) == 4) PUT4(type, p, v); \
        else PUT(type, p, (v).x); \
    } while (0)
#define LOAD(pack, p) LOAD_AS(float, pack, p)
#define STORE(pack, p, v) STORE_AS(float, pack, p, v)

#define SUM(a, b) ((a) + (b))

// The larger, or NaN if one of both is.
#define LARGER(a, b) ((a) > (b) || isnan(a) ? (a) : (b))
#define LARGER4(a, b) MAP4_2(LARGER, a, b)

// Joins count values, a power of 2, into the first of them: local memory, which the work-items have just written. Each has the number place among those that
// it is joined with; their neighbors lie apart from each other. All work-items of the group must come here, and may read any value afterwards.
#define FOLD(join, values, place, count, apart) \
    do \
    { \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (int fold = (count) / 2; fold > 0; fold /= 2) \
        { \
            if ((place) < fold) values[get_local_id(0)] = join(values[get_local_id(0)], values[get_local_id(0) + fold * (apart)]); \
            barrier(CLK_LOCAL_MEM_FENCE); \
        } \
    } while (0)

// How a group's work-items share a reduction of [outer, reduced, inner] to [outer, chunks, inner]: ReductionCut of C#. A work-item takes each height-th
// element of a chunk of one column, beginning with cut_first; height items, its lanes, share a column and are joined by FOLD(.., cut_lane, height,
// cut_apart). The first lane of a column that exists (cut_column < columns) writes the result. Sizes count vectors of pack numbers, offsets count numbers.
#define CUT_ARGS \
    const int columns, const int inner, const int reduced, const int chunk, const int chunks, const int width, const int height, const int pack
#define USE_CUT \
    const int cut_blocks = (columns + width - 1) / width; \
    const int cut_part = GROUP(0) / cut_blocks; \
    const int cut_item = get_local_id(0); \
    const int cut_lane = inner == 1 ? cut_item % height : cut_item / width; \
    const int cut_apart = inner == 1 ? 1 : width; \
    const int cut_column = GROUP(0) % cut_blocks * width + (inner == 1 ? cut_item / height : cut_item % width); \
    const int cut_first = cut_part * chunk + cut_lane; \
    const int cut_end = cut_part * chunk + min(chunk, reduced - cut_part * chunk); \
    const int cut_pitch = inner * pack
#define CUT_START ((cut_column / inner * reduced * inner + cut_column % inner) * pack)
#define CUT_RESULT (((cut_column / inner * chunks + cut_part) * inner + cut_column % inner) * pack)

// Vectors of V channels, where there is such a macro, and the one that begins at number i of memory p.
#ifdef V
#if V == 4
typedef float4 FV;
#define READ_AS(type, p, i) GET4(type, (p) + (i))
#define WRITE_AS(type, p, i, v) PUT4(type, (p) + (i), v)
#elif V == 2
typedef float2 FV;
#define READ_AS(type, p, i) GET2(type, (p) + (i))
#define WRITE_AS(type, p, i, v) PUT2(type, (p) + (i), v)
#else
typedef float FV;
#define READ_AS(type, p, i) GET(type, (p) + (i))
#define WRITE_AS(type, p, i, v) PUT(type, (p) + (i), v)
#endif
#define READ(p, i) READ_AS(float, p, i)
#endif

// Of products: where the pixel of a patch lies in the image that is read. y and x stand for the window's first position, i and j for the tap. BACKWARD:
// pixels are those of a convolution's input, and what is read is its output.
#ifdef BACKWARD
#ifdef STRIDED
#define TAP_Y(y, i) (((y) - (i) * dilationH) % strideH == 0 ? ((y) - (i) * dilationH) / strideH : -1)
#define TAP_X(x, j) (((x) - (j) * dilationW) % strideW == 0 ? ((x) - (j) * dilationW) / strideW : -1)
#else
#define TAP_Y(y, i) ((y) - (i) * dilationH)
#define TAP_X(x, j) ((x) - (j) * dilationW)
#endif
#define FIRST_Y(p) ((p) + padTop)
#define FIRST_X(q) ((q) + padLeft)
#else
#define TAP_Y(y, i) ((y) + (i) * dilationH)
#define TAP_X(x, j) ((x) + (j) * dilationW)
#define FIRST_Y(p) ((p) * strideH - padTop)
#define FIRST_X(q) ((q) * strideW - padLeft)
#endif

// Of products: what is done to a result before it is written, by the macros BIAS, RESIDUAL and ACT.
#ifdef BIAS
#define BIAS_ARG ARG(const float, bias),
#define USE_BIAS USE(const float, bias)
#else
#define BIAS_ARG
#define USE_BIAS
#endif
#ifdef RESIDUAL
#define RESIDUAL_ARG ARG(const TR, residual),
#define USE_RESIDUAL USE(const TR, residual)
#else
#define RESIDUAL_ARG
#define USE_RESIDUAL
#endif
#ifdef ACT
#define FINAL(x) ACT(x)
#else
#define FINAL(x) (x)
#endif
