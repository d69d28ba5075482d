// Matrix products without a tile of the group: an item makes MR rows of NV vectors of VW numbers each, and reads operands from global memory, through the
// caches. No local memory, no barrier: phones, and CPUs with wider vectors.
//
// MR, NV, VW: the item's block. A_ROWS, A_COLUMNS, A_PATCHES, BACKWARD, STRIDED, MOMENTS: as in product.cl. b[tap][k] is a line of numbers along n.

#if VW == 1
#define VECTOR float
#define READ_VECTOR_float(p) (*(p))
#define READ_VECTOR_half(p) vload_half(0, p)
#define WRITE_VECTOR_float(v, p) (*(p) = (v))
#define WRITE_VECTOR_half(v, p) vstore_half_rte(v, 0, p)
#else
#define VECTOR PASTE(float, VW)
#define READ_VECTOR_float(p) PASTE(vload, VW)(0, p)
#define READ_VECTOR_half(p) PASTE(vload_half, VW)(0, p)
#define WRITE_VECTOR_float(v, p) PASTE(vstore, VW)(v, 0, p)
#define WRITE_VECTOR_half(v, p) PASTE(PASTE(vstore_half, VW), _rte)(v, 0, p)
#endif
#define READ_VECTOR(type, p) PASTE(READ_VECTOR_, type)(p)
#define WRITE_VECTOR(type, v, p) PASTE(WRITE_VECTOR_, type)(v, p)

// Vectors that would reach beyond the last column are moved back; what they then hold twice is written once.
#define COLUMN(j) min(firstN + (j) * VW, sizeN - VW)

#ifdef PRODUCT

// Sums of TERMS products in 16 bits, which are added up in 32; in 32 bits too where the device has no 16-bit arithmetic. Untested on a device that has it.
#ifdef HALF_SUMS
#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define SUMMAND half
#else
#define SUMMAND float
#endif
#define TERMS 8
#if VW == 1
#define SUMMANDS SUMMAND
#define TO_SUMMANDS(v) ((SUMMAND)(v))
#define FROM_SUMMANDS(v) ((float)(v))
#else
#define SUMMANDS PASTE(SUMMAND, VW)
#define TO_SUMMANDS(v) PASTE(convert_, SUMMANDS)(v)
#define FROM_SUMMANDS(v) PASTE(convert_float, VW)(v)
#endif
#endif

#ifdef BIAS
#define WITH_BIAS(v, n) ((v) + bias[which * sizeN + (n)])
#else
#define WITH_BIAS(v, n) (v)
#endif
#ifdef RESIDUAL
#define WITH_RESIDUAL(v, n) ((v) + GET(TR, residual + (at + (n))))
#else
#define WITH_RESIDUAL(v, n) (v)
#endif

// With moments an item makes several blocks, one below the other, so that it has moments of more rows than one block has.
#ifdef MOMENTS
#define BLOCKS_ARG const int blocks,
#define ROWS_OF_ITEM (blocks * MR)
#define EACH_BLOCK for (int firstM = beginM; firstM < min(sizeM, beginM + ROWS_OF_ITEM); firstM += MR)
#define KEEP_FOR_MOMENTS sums[i][j] = READ_VECTOR(float, values)
#else
#define BLOCKS_ARG
#define ROWS_OF_ITEM MR
#define EACH_BLOCK const int firstM = beginM;
#define KEEP_FOR_MOMENTS
#endif

kernel void direct(
    ARG(const TA, a), ARG(const TB, b), ARG(TC, c),
    BIAS_ARG RESIDUAL_ARG MOMENTS_ARG BLOCKS_ARG
    const int sizeM, const int sizeN, const int lda, const int ldb, const int ldc, const int stepA, const int stepB, const int stepC, const int tapB,
    const int imageH, const int imageW, const int pixelsH, const int pixelsW, const int kernelW, const int taps, const int channels,
    const int strideH, const int strideW, const int dilationH, const int dilationW, const int padTop, const int padLeft)
{
    USE_ONLY(const TA, a);
    USE_ONLY(const TB, b);
    USE(TC, c);
    USE_BIAS;
    USE_RESIDUAL;
    const int firstN = get_global_id(0) * (NV * VW), beginM = get_global_id(1) * ROWS_OF_ITEM, which = get_global_id(2);
    if (firstN >= sizeN || beginM >= sizeM) return;
    a += (size_t)which * stepA;
    b += (size_t)which * stepB;
#ifdef MOMENTS
    USE(float, partial);
    VECTOR bases[NV], means[NV], squares[NV];
    int n = 0;
#endif
    EACH_BLOCK
    {
        VECTOR sums[MR][NV];
#pragma unroll
        for (int i = 0; i < MR; i++)
#pragma unroll
            for (int j = 0; j < NV; j++) sums[i][j] = (VECTOR)(0);

#ifdef A_PATCHES
        int image[MR], y[MR], x[MR];
#pragma unroll
        for (int i = 0; i < MR; i++)
        {
            const int m = min(firstM + i, sizeM - 1);
            image[i] = m / pixelsW / pixelsH * imageH;
            y[i] = FIRST_Y(m / pixelsW % pixelsH);
            x[i] = FIRST_X(m % pixelsW);
        }
#endif

        for (int tap = 0; tap < taps; tap++)
        {
#ifdef A_PATCHES
            const int tapRow = tap / kernelW, tapColumn = tap % kernelW;
            int inside[MR], any = 0;
#endif
            size_t lines[MR];
#pragma unroll
            for (int i = 0; i < MR; i++)
            {
#if defined(A_PATCHES)
                const int row = TAP_Y(y[i], tapRow), column = TAP_X(x[i], tapColumn);
                inside[i] = (uint)row < (uint)imageH && (uint)column < (uint)imageW;
                lines[i] = inside[i] ? ((size_t)(image[i] + row) * imageW + column) * lda : 0;
                any |= inside[i];
#elif defined(A_COLUMNS)
                lines[i] = min(firstM + i, sizeM - 1);
#else
                lines[i] = (size_t)min(firstM + i, sizeM - 1) * lda;
#endif
            }

#ifdef A_PATCHES
            if (!any) continue;

            // A place beyond the image is read at the first pixel, so that there is no branch.
#define TAKE(i, k) GET(TA, a + (lines[i] + (k)))
#elif defined(A_COLUMNS)
#define TAKE(i, k) GET(TA, a + (lines[i] + (size_t)(k) * lda))
#else
#define TAKE(i, k) GET(TA, a + (lines[i] + (k)))
#endif

            // Adds the products of number k: rows of a, each number of which stands for a vector, by columns of b.
#ifdef A_PATCHES
#define INSIDE(i, v) (inside[i] ? (v) : 0.0f)
#else
#define INSIDE(i, v) (v)
#endif
#define AS_IT_IS(v) (v)
#define ADD_PRODUCTS(type, convert, to, k) \
    { \
        global const TB *line = b + (size_t)tap * tapB + (size_t)(k) * ldb; \
        type columns[NV]; \
        _Pragma("unroll") for (int j = 0; j < NV; j++) columns[j] = convert(READ_VECTOR(TB, line + COLUMN(j))); \
        _Pragma("unroll") for (int i = 0; i < MR; i++) \
        { \
            const float one = TAKE(i, k); \
            const type row = convert((VECTOR)(INSIDE(i, one))); \
            _Pragma("unroll") for (int j = 0; j < NV; j++) to[i][j] = fma(row, columns[j], to[i][j]); \
        } \
    }
#ifdef HALF_SUMS
            for (int begin = 0; begin < channels; begin += TERMS)
            {
                SUMMANDS parts[MR][NV];
#pragma unroll
                for (int i = 0; i < MR; i++)
#pragma unroll
                    for (int j = 0; j < NV; j++) parts[i][j] = (SUMMANDS)(0);
                for (int k = begin; k < min(channels, begin + TERMS); k++) ADD_PRODUCTS(SUMMANDS, TO_SUMMANDS, parts, k)
#pragma unroll
                for (int i = 0; i < MR; i++)
#pragma unroll
                    for (int j = 0; j < NV; j++) sums[i][j] += FROM_SUMMANDS(parts[i][j]);
            }
#else
            for (int k = 0; k < channels; k++) ADD_PRODUCTS(VECTOR, AS_IT_IS, sums, k)
#endif
        }

#pragma unroll
        for (int i = 0; i < MR; i++)
        {
            if (firstM + i >= sizeM) continue;
            const size_t at = (size_t)which * stepC + (size_t)(firstM + i) * ldc;
#pragma unroll
            for (int j = 0; j < NV; j++)
            {
                const int column = COLUMN(j), skip = firstN + j * VW - column;
                float values[VW];
                WRITE_VECTOR(float, sums[i][j], values);
#pragma unroll
                for (int u = 0; u < VW; u++)
                {
                    float v = WITH_RESIDUAL(WITH_BIAS(values[u], column + u), column + u);
                    v = FINAL(v);
                    values[u] = v;
                }

                KEEP_FOR_MOMENTS;

                if (skip == 0)
                {
                    WRITE_VECTOR(TC, READ_VECTOR(float, values), c + at + column);
                }
                else
                {
                    for (int u = skip; u < VW; u++) PUT(TC, c + (at + column + u), values[u]);
                }
            }
        }
#ifdef MOMENTS

        // Of the block, relative to the first row of all; then those of the blocks before and these become one.
        const int rows = min(MR, sizeM - firstM);
        const float share = (float)rows / (float)(n + rows), weight = (float)n * share;
#pragma unroll
        for (int j = 0; j < NV; j++)
        {
            if (n == 0)
            {
                bases[j] = sums[0][j];
                means[j] = (VECTOR)(0);
                squares[j] = (VECTOR)(0);
            }

            VECTOR mean = (VECTOR)(0), square = (VECTOR)(0);
#pragma unroll
            for (int i = 0; i < MR; i++)
            {
                sums[i][j] -= bases[j];
                if (i < rows) mean += sums[i][j];
            }

            mean /= (float)rows;
#pragma unroll
            for (int i = 0; i < MR; i++)
            {
                const VECTOR apart = sums[i][j] - mean;
                if (i < rows) square += apart * apart;
            }

            const VECTOR difference = mean - means[j];
            means[j] += difference * share;
            squares[j] += square + difference * difference * weight;
        }

        n += rows;
#endif
    }

#ifdef MOMENTS
    partial += (size_t)get_global_id(1) * 3 * ldc + (size_t)which * stepC;
#pragma unroll
    for (int j = 0; j < NV; j++)
    {
        const int column = COLUMN(j), skip = firstN + j * VW - column;
        float base[VW], mean[VW], square[VW];
        WRITE_VECTOR(float, bases[j], base);
        WRITE_VECTOR(float, means[j], mean);
        WRITE_VECTOR(float, squares[j], square);
        for (int u = skip; u < VW; u++)
        {
            partial[column + u] = base[u];
            partial[ldc + column + u] = mean[u];
            partial[2 * ldc + column + u] = square[u];
        }
    }
#endif
}
#endif

#ifdef FILTER
// The gradient of a filter, tap by tap: c[n, tap, m] = sum over pixels of x(pixel moved by tap, m) * dy(pixel, n), m an input and n an output channel of a
// group.
// The third axis counts groups of channels, taps, and pieces of the pixels.
kernel void filter(
    ARG(const TB, x), ARG(const TA, dy), ARG(TC, c),
    const int sizeM, const int sizeN, const int ldx, const int ldy, const int stepX, const int stepY, const int stepC,
    const int pieces, const int piecePixels, const int stepPiece, const int pixels,
    const int imageH, const int imageW, const int pixelsH, const int pixelsW, const int kernelW, const int taps,
    const int strideH, const int strideW, const int dilationH, const int dilationW, const int padTop, const int padLeft)
{
    USE_ONLY(const TB, x);
    USE_ONLY(const TA, dy);
    USE(TC, c);
    const int firstN = get_global_id(0) * (NV * VW), firstM = get_global_id(1) * MR, z = get_global_id(2);
    if (firstN >= sizeN || firstM >= sizeM) return;
    const int piece = z % pieces, tap = z / pieces % taps, which = z / pieces / taps;
    const int begin = piece * piecePixels, end = min(pixels, begin + piecePixels);
    x += (size_t)which * stepX;
    dy += (size_t)which * stepY;
    VECTOR sums[MR][NV];
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++) sums[i][j] = (VECTOR)(0);
    int rows[MR];
#pragma unroll
    for (int i = 0; i < MR; i++) rows[i] = min(firstM + i, sizeM - 1);

#ifdef A_PATCHES
    const int moveY = tap / kernelW * dilationH - padTop, moveX = tap % kernelW * dilationW - padLeft;
    int q = begin % pixelsW, p = begin / pixelsW % pixelsH, image = begin / pixelsW / pixelsH;
#endif
    for (int r = begin; r < end; r++)
    {
#ifdef A_PATCHES
        const int row = p * strideH + moveY, column = q * strideW + moveX;
        const int inside = (uint)row < (uint)imageH && (uint)column < (uint)imageW;
        global const TB *from = x + (((size_t)image * imageH + row) * imageW + column) * ldx;
        if (++q == pixelsW)
        {
            q = 0;
            if (++p == pixelsH)
            {
                p = 0;
                image++;
            }
        }

        if (!inside) continue;
#else
        global const TB *from = x + (size_t)r * ldx;
#endif
        global const TA *line = dy + (size_t)r * ldy;
        VECTOR columns[NV];
#pragma unroll
        for (int j = 0; j < NV; j++) columns[j] = READ_VECTOR(TA, line + COLUMN(j));
#pragma unroll
        for (int i = 0; i < MR; i++)
        {
            const VECTOR one = (VECTOR)(GET(TB, from + rows[i]));
#pragma unroll
            for (int j = 0; j < NV; j++) sums[i][j] = fma(one, columns[j], sums[i][j]);
        }
    }

    c += (size_t)piece * stepPiece + (size_t)which * stepC;
#pragma unroll
    for (int i = 0; i < MR; i++)
    {
        if (firstM + i >= sizeM) continue;
#pragma unroll
        for (int j = 0; j < NV; j++)
        {
            const int column = COLUMN(j);
            float values[VW];
            WRITE_VECTOR(float, sums[i][j], values);
            for (int u = firstN + j * VW - column; u < VW; u++) PUT(TC, c + (((size_t)(column + u) * taps + tap) * sizeM + firstM + i), values[u]);
        }
    }
}
#endif
