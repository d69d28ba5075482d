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

// Neighbors that an element-wise work-item takes: 4 as a vector, or 1 by the compiler's options where vectors are switched off.
#ifndef WIDE
#define WIDE 4
#endif

// One number or four neighbors as a vector; pack is 1 or 4, the same for all work-items. Of one number all four are the same.
#define LOAD(pack, p) ((pack) == 4 ? *(global const float4 *)(p) : (float4)((p)[0]))
#define STORE(pack, p, v) \
    do \
    { \
        if ((pack) == 4) *(global float4 *)(p) = (v); \
        else (p)[0] = (v).x; \
    } while (0)

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
#elif V == 2
typedef float2 FV;
#else
typedef float FV;
#endif
#define READ(p, i) (*(global const FV *)((p) + (i)))
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
#define RESIDUAL_ARG ARG(const float, residual),
#define USE_RESIDUAL USE(const float, residual)
#else
#define RESIDUAL_ARG
#define USE_RESIDUAL
#endif
#ifdef ACT
#define FINAL(x) ACT(x)
#else
#define FINAL(x) (x)
#endif
