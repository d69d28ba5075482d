// Matrix products with a tile in local memory: c[m, n] = f(sum over k of a(m, k) * b(k, n)).
//
// A group makes a tile of BM x BN, an item TM x TN of it, in steps of BK along k. While a step is computed the next one is on its way from global memory.
// Where operands lie, by macros:
//   A_ROWS    a[m][k]            A_COLUMNS a[k][m]
//   A_PATCHES patches of images: m is a pixel, k is (row of the window, column of the window, channel)
//   B_ROWS    b[k][n]            B_COLUMNS b[n][k]
//   B_TAPS    filters, for the gradient of the input: k is (row, column of the window, output channel), n an input channel
//   B_PATCHES patches of images, for the gradient of the filter: k is a pixel, n is (row, column of the window, channel)
// VA, VB, VC: numbers that are read or written at once, 4 or 1. BACKWARD: pixels are those of the convolution's input, and what is read is its output.
// MOMENTS: moments of each column of the tile go to partial[row of tiles][base, mean, square][column], mean and square (the sum of squared deviations) being
// relative to base, an element of the column.
// The third axis of the groups counts products (groups of channels) and, for each, the pieces that k is cut into; those go to c one behind the other.

#define ITEMS ((BM / TM) * (BN / TN))
#define PAD 4

// Where an item stands in the tile. 32 neighbors, which run together on many devices, make a rectangle of 4 x 8 if the tile allows it: of all shapes they then
// read the fewest places of local memory.
#if (BM / TM) % 4 == 0 && (BN / TN) % 8 == 0
#define ROW_OF(item) ((item) / 32 / (BN / TN / 8) * 4 + (item) % 32 / 8)
#define COLUMN_OF(item) ((item) / 32 % (BN / TN / 8) * 8 + (item) % 8)
#else
#define ROW_OF(item) ((item) / (BN / TN))
#define COLUMN_OF(item) ((item) % (BN / TN))
#endif

#if defined(A_COLUMNS)
#define A_WIDE (BM / VA)
#define A_LOADS (BM * BK / VA / ITEMS)
#else
#define A_WIDE (BK / VA)
#define A_LOADS (BM * BK / VA / ITEMS)
#endif
#if defined(B_COLUMNS)
#define B_WIDE (BK / VB)
#else
#define B_WIDE (BN / VB)
#endif
#define B_LOADS (BN * BK / VB / ITEMS)

#if VA == 4
#define A_TYPE float4
#define A_READ(p) GET4(TA, p)
#else
#define A_TYPE float
#define A_READ(p) GET(TA, p)
#endif
#if VB == 4
#define B_TYPE float4
#define B_READ(p) GET4(TB, p)
#else
#define B_TYPE float
#define B_READ(p) GET(TB, p)
#endif

#if WIDE == 4
#define LOCAL_READ(p) (*(local const float4 *)(p))
#else
#define LOCAL_READ(p) (float4)((p)[0], (p)[1], (p)[2], (p)[3])
#endif

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void product(
    ARG(const TA, a), ARG(const TB, b), ARG(TC, c),
    BIAS_ARG RESIDUAL_ARG MOMENTS_ARG
    const int sizeM, const int sizeN, const int sizeK, const int lda, const int ldb, const int ldc, const int stepA, const int stepB, const int stepC,
    const int pieces, const int pieceK, const int stepPiece,
    const int imageH, const int imageW, const int pixelsH, const int pixelsW, const int kernelW, const int taps, const int channels,
    const int strideH, const int strideW, const int dilationH, const int dilationW, const int padTop, const int padLeft)
{
    USE_ONLY(const TA, a);
    USE_ONLY(const TB, b);
    USE(TC, c);
    USE_BIAS;
    USE_RESIDUAL;
    local float tileA[2][BK][BM + PAD] __attribute__((aligned(16)));
    local float tileB[2][BK][BN + PAD] __attribute__((aligned(16)));
    const int item = get_local_id(0);
    const int firstN = GROUP(0) * BN, firstM = GROUP(1) * BM;
    const int piece = GROUP(2) % pieces, which = GROUP(2) / pieces;
    const int beginK = piece * pieceK, endK = min(sizeK, beginK + pieceK);
    a += (size_t)which * stepA;
    b += (size_t)which * stepB;
    c += (size_t)which * stepC + (size_t)piece * stepPiece;

    const int itemA = item % A_WIDE, lineA = item / A_WIDE, itemB = item % B_WIDE, lineB = item / B_WIDE;
    A_TYPE nextA[A_LOADS];
    B_TYPE nextB[B_LOADS];

#ifdef A_PATCHES
    // The item reads the same k for several pixels.
    int imageA[A_LOADS], yA[A_LOADS], xA[A_LOADS];
#pragma unroll
    for (int l = 0; l < A_LOADS; l++)
    {
        const int m = firstM + lineA + l * (ITEMS / A_WIDE);
        const int q = m % pixelsW, p = m / pixelsW % pixelsH;
        imageA[l] = m < sizeM ? m / pixelsW / pixelsH * imageH : -1;
        yA[l] = FIRST_Y(p);
        xA[l] = FIRST_X(q);
    }

    int channelA = (beginK + itemA * VA) % channels, tapA = (beginK + itemA * VA) / channels;
    int tapRowA = tapA / kernelW, tapColumnA = tapA % kernelW;
#endif
#ifdef B_TAPS
    int outB[B_LOADS], tapB[B_LOADS];
#pragma unroll
    for (int l = 0; l < B_LOADS; l++)
    {
        const int k = beginK + lineB + l * (ITEMS / B_WIDE);
        outB[l] = k % channels;
        tapB[l] = k / channels;
    }
#endif
#ifdef B_PATCHES
    // The item reads the same place of the window for several pixels.
    const int placeB = firstN + itemB * VB;
    const int channelB = placeB % channels, tapRowB = placeB / channels / kernelW, tapColumnB = placeB / channels % kernelW;
    int imageB[B_LOADS], pB[B_LOADS], qB[B_LOADS];
#pragma unroll
    for (int l = 0; l < B_LOADS; l++)
    {
        const int r = beginK + lineB + l * (ITEMS / B_WIDE);
        qB[l] = r % pixelsW;
        pB[l] = r / pixelsW % pixelsH;
        imageB[l] = r / pixelsW / pixelsH;
    }
#endif

    float sums[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sums[i][j] = 0;

    const int itemM = ROW_OF(item) * 4, itemN = COLUMN_OF(item) * 4;
    int at = 0;

    // Reads the tiles that begin at k, and for the counters of patches moves on to the next.
#define FETCH(k)                                                                                                                                             \
    {                                                                                                                                                        \
        _Pragma("unroll") for (int l = 0; l < A_LOADS; l++) nextA[l] = FETCH_A(l, k);                                                                        \
        _Pragma("unroll") for (int l = 0; l < B_LOADS; l++) nextB[l] = FETCH_B(l, k);                                                                        \
        MOVE_A;                                                                                                                                              \
        MOVE_B;                                                                                                                                              \
    }
#define NONE_A ((A_TYPE)(0))
#define NONE_B ((B_TYPE)(0))

#if defined(A_ROWS)
#define M_OF(l) (firstM + lineA + (l) * (ITEMS / A_WIDE))
#define FETCH_A(l, k) (M_OF(l) < sizeM && (k) + itemA * VA < endK ? A_READ(a + (size_t)M_OF(l) * lda + (k) + itemA * VA) : NONE_A)
#define MOVE_A
#elif defined(A_COLUMNS)
#define K_OF_A(l, k) ((k) + lineA + (l) * (ITEMS / A_WIDE))
#define FETCH_A(l, k) (K_OF_A(l, k) < endK && firstM + itemA * VA < sizeM ? A_READ(a + (size_t)K_OF_A(l, k) * lda + firstM + itemA * VA) : NONE_A)
#define MOVE_A
#else
#define Y_OF(l) TAP_Y(yA[l], tapRowA)
#define X_OF(l) TAP_X(xA[l], tapColumnA)
#define FETCH_A(l, k)                                                                                                                                        \
    (imageA[l] >= 0 && (k) + itemA * VA < endK && (uint)Y_OF(l) < (uint)imageH && (uint)X_OF(l) < (uint)imageW                                               \
        ? A_READ(a + ((size_t)(imageA[l] + Y_OF(l)) * imageW + X_OF(l)) * lda + channelA) : NONE_A)
#define MOVE_A                                                                                                                                               \
    {                                                                                                                                                        \
        channelA += BK;                                                                                                                                      \
        while (channelA >= channels)                                                                                                                         \
        {                                                                                                                                                    \
            channelA -= channels;                                                                                                                            \
            if (++tapColumnA == kernelW)                                                                                                                     \
            {                                                                                                                                                \
                tapColumnA = 0;                                                                                                                              \
                tapRowA++;                                                                                                                                   \
            }                                                                                                                                                \
        }                                                                                                                                                    \
    }
#endif

#if defined(B_ROWS)
#define K_OF_B(l, k) ((k) + lineB + (l) * (ITEMS / B_WIDE))
#define FETCH_B(l, k) (K_OF_B(l, k) < endK && firstN + itemB * VB < sizeN ? B_READ(b + (size_t)K_OF_B(l, k) * ldb + firstN + itemB * VB) : NONE_B)
#define MOVE_B
#elif defined(B_COLUMNS)
#define N_OF(l) (firstN + lineB + (l) * (ITEMS / B_WIDE))
#define FETCH_B(l, k) (N_OF(l) < sizeN && (k) + itemB * VB < endK ? B_READ(b + (size_t)N_OF(l) * ldb + (k) + itemB * VB) : NONE_B)
#define MOVE_B
#elif defined(B_TAPS)
#define FETCH_B(l, k)                                                                                                                                        \
    (tapB[l] < taps && (k) + lineB + (l) * (ITEMS / B_WIDE) < endK && firstN + itemB * VB < sizeN                                                            \
        ? B_READ(b + ((size_t)outB[l] * taps + tapB[l]) * ldb + firstN + itemB * VB) : NONE_B)
#define MOVE_B                                                                                                                                               \
    _Pragma("unroll") for (int l = 0; l < B_LOADS; l++)                                                                                                      \
    {                                                                                                                                                        \
        outB[l] += BK;                                                                                                                                       \
        while (outB[l] >= channels)                                                                                                                          \
        {                                                                                                                                                    \
            outB[l] -= channels;                                                                                                                             \
            tapB[l]++;                                                                                                                                       \
        }                                                                                                                                                    \
    }
#else
#define Y_OF_B(l) (pB[l] * strideH - padTop + tapRowB * dilationH)
#define X_OF_B(l) (qB[l] * strideW - padLeft + tapColumnB * dilationW)
#define FETCH_B(l, k)                                                                                                                                        \
    ((k) + lineB + (l) * (ITEMS / B_WIDE) < endK && placeB < sizeN && (uint)Y_OF_B(l) < (uint)imageH && (uint)X_OF_B(l) < (uint)imageW                       \
        ? B_READ(b + (((size_t)imageB[l] * imageH + Y_OF_B(l)) * imageW + X_OF_B(l)) * ldb + channelB) : NONE_B)
#define MOVE_B                                                                                                                                               \
    _Pragma("unroll") for (int l = 0; l < B_LOADS; l++)                                                                                                      \
    {                                                                                                                                                        \
        qB[l] += BK;                                                                                                                                         \
        while (qB[l] >= pixelsW)                                                                                                                             \
        {                                                                                                                                                    \
            qB[l] -= pixelsW;                                                                                                                                \
            if (++pB[l] == pixelsH)                                                                                                                          \
            {                                                                                                                                                \
                pB[l] = 0;                                                                                                                                   \
                imageB[l]++;                                                                                                                                 \
            }                                                                                                                                                \
        }                                                                                                                                                    \
    }
#endif

    // Puts what was read into local memory, k by k.
#if defined(A_COLUMNS) && VA == 4
#define KEEP_A(l, to) *(local float4 *)&tileA[to][lineA + (l) * (ITEMS / A_WIDE)][itemA * 4] = nextA[l]
#elif defined(A_COLUMNS)
#define KEEP_A(l, to) tileA[to][lineA + (l) * (ITEMS / A_WIDE)][itemA] = nextA[l]
#elif VA == 4
#define KEEP_A(l, to)                                                                                                                                        \
    {                                                                                                                                                        \
        tileA[to][itemA * 4][lineA + (l) * (ITEMS / A_WIDE)] = nextA[l].x;                                                                                   \
        tileA[to][itemA * 4 + 1][lineA + (l) * (ITEMS / A_WIDE)] = nextA[l].y;                                                                               \
        tileA[to][itemA * 4 + 2][lineA + (l) * (ITEMS / A_WIDE)] = nextA[l].z;                                                                               \
        tileA[to][itemA * 4 + 3][lineA + (l) * (ITEMS / A_WIDE)] = nextA[l].w;                                                                               \
    }
#else
#define KEEP_A(l, to) tileA[to][itemA][lineA + (l) * (ITEMS / A_WIDE)] = nextA[l]
#endif
#if !defined(B_COLUMNS) && VB == 4
#define KEEP_B(l, to) *(local float4 *)&tileB[to][lineB + (l) * (ITEMS / B_WIDE)][itemB * 4] = nextB[l]
#elif !defined(B_COLUMNS)
#define KEEP_B(l, to) tileB[to][lineB + (l) * (ITEMS / B_WIDE)][itemB] = nextB[l]
#elif VB == 4
#define KEEP_B(l, to)                                                                                                                                        \
    {                                                                                                                                                        \
        tileB[to][itemB * 4][lineB + (l) * (ITEMS / B_WIDE)] = nextB[l].x;                                                                                   \
        tileB[to][itemB * 4 + 1][lineB + (l) * (ITEMS / B_WIDE)] = nextB[l].y;                                                                               \
        tileB[to][itemB * 4 + 2][lineB + (l) * (ITEMS / B_WIDE)] = nextB[l].z;                                                                               \
        tileB[to][itemB * 4 + 3][lineB + (l) * (ITEMS / B_WIDE)] = nextB[l].w;                                                                               \
    }
#else
#define KEEP_B(l, to) tileB[to][itemB][lineB + (l) * (ITEMS / B_WIDE)] = nextB[l]
#endif
#define KEEP(to)                                                                                                                                             \
    {                                                                                                                                                        \
        _Pragma("unroll") for (int l = 0; l < A_LOADS; l++) KEEP_A(l, to);                                                                                   \
        _Pragma("unroll") for (int l = 0; l < B_LOADS; l++) KEEP_B(l, to);                                                                                   \
    }

    FETCH(beginK);
    KEEP(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = beginK; k < endK; k += BK)
    {
        const int more = k + BK < endK;
        if (more) FETCH(k + BK);
        // Not the whole step: compilers would take a third longer, and the code would be slower, too.
#pragma unroll 8
        for (int kk = 0; kk < BK; kk++)
        {
            float rows[TM], columns[TN];
#pragma unroll
            for (int i = 0; i < TM; i += 4)
            {
                const float4 v = LOCAL_READ(&tileA[at][kk][itemM + i / 4 * (BM / (TM / 4))]);
                rows[i] = v.x;
                rows[i + 1] = v.y;
                rows[i + 2] = v.z;
                rows[i + 3] = v.w;
            }

#pragma unroll
            for (int j = 0; j < TN; j += 4)
            {
                const float4 v = LOCAL_READ(&tileB[at][kk][itemN + j / 4 * (BN / (TN / 4))]);
                columns[j] = v.x;
                columns[j + 1] = v.y;
                columns[j + 2] = v.z;
                columns[j + 3] = v.w;
            }

#pragma unroll
            for (int i = 0; i < TM; i++)
#pragma unroll
                for (int j = 0; j < TN; j++) sums[i][j] = fma(rows[i], columns[j], sums[i][j]);
        }

        if (more) KEEP(1 - at);
        barrier(CLK_LOCAL_MEM_FENCE);
        at = 1 - at;
    }

#ifdef BIAS
#define WITH_BIAS(v, n) ((v) + bias[which * sizeN + (n)])
#else
#define WITH_BIAS(v, n) (v)
#endif

#pragma unroll
    for (int i = 0; i < TM; i++)
    {
        const int m = firstM + itemM + i / 4 * (BM / (TM / 4)) + i % 4;
        if (m >= sizeM) continue;
        global TC *line = c + (size_t)m * ldc;
#ifdef RESIDUAL
        global const TR *added = residual + (size_t)which * stepC + (size_t)m * ldc;
#endif
#pragma unroll
        for (int j = 0; j < TN; j += 4)
        {
            const int n = firstN + itemN + j / 4 * (BN / (TN / 4));
#pragma unroll
            for (int u = 0; u < 4; u++)
            {
                if (n + u >= sizeN) continue;
                float v = WITH_BIAS(sums[i][j + u], n + u);
#ifdef RESIDUAL
                v += GET(TR, added + (n + u));
#endif
                v = FINAL(v);
                sums[i][j + u] = v;
            }

#if VC == 4
            if (n < sizeN) PUT4(TC, line + n, (float4)(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]));
#else
#pragma unroll
            for (int u = 0; u < 4; u++)
            {
                if (n + u < sizeN) PUT(TC, line + (n + u), sums[i][j + u]);
            }
#endif
        }
    }

#ifdef MOMENTS
    // Four columns of each item at a time; items that stand below each other are joined two by two where the operands' tiles were.
    USE(float, partial);
    partial += (size_t)GROUP(1) * 3 * ldc + (size_t)which * stepC;
    local float4 *bases = (local float4 *)&tileA[0][0][0], *means = bases + ITEMS, *squares = (local float4 *)&tileB[0][0][0];
    local float *counts = (local float *)(squares + ITEMS);
    const int row = ROW_OF(item), place = row * (BN / TN) + COLUMN_OF(item);
#pragma unroll
    for (int j = 0; j < TN; j += 4)
    {
        const float4 base = (float4)(sums[0][j], sums[0][j + 1], sums[0][j + 2], sums[0][j + 3]);
        float4 mean = (float4)(0), square = (float4)(0);
        float n = 0;
#define IS_ROW(i) (firstM + itemM + (i) / 4 * (BM / (TM / 4)) + (i) % 4 < sizeM)
#define APART(i) ((float4)(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]) - base)
#pragma unroll
        for (int i = 0; i < TM; i++)
        {
            if (!IS_ROW(i)) continue;
            mean += APART(i);
            n += 1;
        }

        mean /= max(n, 1.0f);
#pragma unroll
        for (int i = 0; i < TM; i++)
        {
            if (IS_ROW(i)) square += (APART(i) - mean) * (APART(i) - mean);
        }

        bases[place] = base;
        means[place] = mean;
        squares[place] = square;
        counts[place] = n;
        for (int reach = BM / TM / 2; reach > 0; reach /= 2)
        {
            barrier(CLK_LOCAL_MEM_FENCE);
            if (row < reach)
            {
                const int other = place + reach * (BN / TN);
                JOIN_MOMENTS(float4, counts[other], (bases[other] - base) + means[other], squares[other])
                means[place] = mean;
                squares[place] = square;
                counts[place] = n;
            }
        }

        if (row == 0)
        {
            const int column = firstN + itemN + j / 4 * (BN / (TN / 4));
#define PUT_MOMENTS(u, part)                                                                                                                                 \
    if (column + u < sizeN)                                                                                                                                  \
    {                                                                                                                                                        \
        partial[column + u] = base.part;                                                                                                                     \
        partial[ldc + column + u] = mean.part;                                                                                                               \
        partial[2 * ldc + column + u] = square.part;                                                                                                         \
    }
            PUT_MOMENTS(0, x)
            PUT_MOMENTS(1, y)
            PUT_MOMENTS(2, z)
            PUT_MOMENTS(3, w)
        }

        barrier(CLK_LOCAL_MEM_FENCE);
    }
#endif
}
