// Moves elements as they are: 32 bits, or 16 of those that are stored as halves. Each function comes for single elements and for vectors of 4: then all
// sizes, strides and offsets count vectors.
// Items are columns, which are neighbors in y, and rows; rows are gone through in steps, since drivers bound the number of groups along all axes but the first.
// step is the number of items along that axis: get_global_size is that of a piece where a launch is cut into several.

#define BITS_float uint
#define BITS_half ushort
#define BITS4_float uint4
#define BITS4_half ushort4
#define BITS PASTE(BITS_, TX)
#define BITS4 PASTE(BITS4_, TX)

// y = x: so many vectors of 16 bytes, then so many bytes.
kernel void copy_bytes(ARG(const uchar, x), ARG(uchar, y), const int vectors, const int rest)
{
    USE(const uchar, x);
    USE(uchar, y);
    const int i = get_global_id(0);
    if (i < vectors)
    {
        *((global uint4 *)y + i) = *((global const uint4 *)x + i);
    }
    else if (i == vectors)
    {
        for (int k = 0; k < rest; k++) y[(ulong)vectors * 16 + k] = x[(ulong)vectors * 16 + k];
    }
}

// The index along an axis between the innermost and the outermost one, and what it adds to the distances.
#define SPLIT(k) \
    if (axes > k + 1) \
    { \
        const int i##k = rest % s##k; \
        rest /= s##k; \
        from += i##k * f##k; \
        to += i##k * t##k; \
    }

// y[y_first + i0 * t0 + i1 * t1 + ..] = x[x_first + i0 * f0 + i1 * f1 + ..] for i in a box of up to 8 axes, innermost first; the outermost strides are apart.
#define COPY_BOX(NAME, T) \
    kernel void NAME(ARG(const T, x), ARG(T, y), const int x_first, const int y_first, const int columns, const int rows, const int axes, const int f0, \
        const int t0, const int f_outer, const int t_outer, const int s1, const int s2, const int s3, const int s4, const int s5, const int s6, \
        const int f1, const int f2, const int f3, const int f4, const int f5, const int f6, const int t1, const int t2, const int t3, const int t4, \
        const int t5, const int t6, const int step) \
    { \
        USE(const T, x); \
        USE(T, y); \
        const int column = get_global_id(0); \
        if (column >= columns) return; \
        for (int row = get_global_id(1); row < rows; row += step) \
        { \
            int rest = row; \
            int from = x_first + column * f0; \
            int to = y_first + column * t0; \
            SPLIT(1) SPLIT(2) SPLIT(3) SPLIT(4) SPLIT(5) SPLIT(6) \
            y[to + rest * t_outer] = x[from + rest * f_outer]; \
        } \
    }

COPY_BOX(copy_box, BITS)
COPY_BOX(copy_box4, BITS4)

// Rows of up to 4 operands side by side: y[row * total + at + ..] = a's row, b's row, ..
#define CONCAT(NAME, T) \
    kernel void NAME(ARG(const T, a), ARG(const T, b), ARG(const T, c), ARG(const T, d), ARG(T, y), const int rows, const int total, const int at, \
        const int length_a, const int length_b, const int length_c, const int length_d, const int step) \
    { \
        USE(const T, a); \
        USE(const T, b); \
        USE(const T, c); \
        USE(const T, d); \
        USE(T, y); \
        const int column = get_global_id(0); \
        const int operand = get_global_id(2); \
        global const T *x = operand == 0 ? a : operand == 1 ? b : operand == 2 ? c : d; \
        const int length = operand == 0 ? length_a : operand == 1 ? length_b : operand == 2 ? length_c : length_d; \
        const int before = (operand > 0 ? length_a : 0) + (operand > 1 ? length_b : 0) + (operand > 2 ? length_c : 0); \
        if (column >= length) return; \
        for (int row = get_global_id(1); row < rows; row += step) y[row * total + at + before + column] = x[row * length + column]; \
    }

CONCAT(concat, BITS)
CONCAT(concat4, BITS4)

// The place in x along an axis of which y has o, x has n elements: place p * i + b of y is place i of x.
#define PLACE(k, i) \
    const int d##k = i - b##k; \
    const int q##k = p##k == 1 ? d##k : d##k / p##k; \
    inside = inside && d##k >= 0 && q##k < n##k && q##k * p##k == d##k; \
    from += q##k * f##k

#define PLACE_SPLIT(k) \
    if (axes > k) \
    { \
        const int i##k = axes > k + 1 ? rest % o##k : rest; \
        rest = axes > k + 1 ? rest / o##k : 0; \
        PLACE(k, i##k); \
    }

#define AXIS(k) const int o##k, const int b##k, const int n##k, const int p##k, const int f##k

// y = what x has at that place, where it has none the value, whose bits are those of a float or of a half; up to 8 axes, innermost first.
#define FILL_float value
#define FILL_half (ushort)half_value
#define FILL PASTE(FILL_, TX)
#define SPREAD(NAME, T) \
    kernel void NAME(ARG(const T, x), ARG(T, y), const uint value, const uint half_value, const int rows, const int axes, AXIS(0), AXIS(1), \
        AXIS(2), AXIS(3), AXIS(4), AXIS(5), AXIS(6), AXIS(7), const int step) \
    { \
        USE(const T, x); \
        USE(T, y); \
        const int column = get_global_id(0); \
        if (column >= o0) return; \
        for (int row = get_global_id(1); row < rows; row += step) \
        { \
            int rest = row; \
            int from = 0; \
            int inside = 1; \
            PLACE(0, column); \
            PLACE_SPLIT(1) PLACE_SPLIT(2) PLACE_SPLIT(3) PLACE_SPLIT(4) PLACE_SPLIT(5) PLACE_SPLIT(6) PLACE_SPLIT(7) \
            T moved = (T)(FILL); \
            if (inside) moved = x[from]; \
            y[row * o0 + column] = moved; \
        } \
    }

SPREAD(spread, BITS)
SPREAD(spread4, BITS4)
