// Wellons' lowbias32, of a number or of four.
#define MIX(x) \
    x = (x ^ (x >> 16)) * 0x7FEB352Du; \
    x = (x ^ (x >> 15)) * 0x846CA68Bu; \
    x = x ^ (x >> 16)

// Whether y keeps an element: the two keys and the index make a number of 24 bits.
#define DRAW(x) \
    x += first_key; \
    MIX(x); \
    x ^= second_key; \
    MIX(x); \
    x >>= 8

// y[i] = drawn from seed, step and i < threshold ? 0 : x[i] / kept. The seed has passed through SplitMix64; what makes keys of it and of the step is the same.
kernel void dropout(ARG(const TX, x), ARG(const float, step), ARG(TY, y), const int count, const uint seed_low, const uint seed_high,
    const uint threshold, const float kept)
{
    USE(const TX, x);
    USE(const float, step);
    USE(TY, y);
    ulong keys = ((ulong)seed_high << 32 | seed_low) + (ulong)step[0] + 0x9E3779B97F4A7C15UL;
    keys = (keys ^ (keys >> 30)) * 0xBF58476D1CE4E5B9UL;
    keys = (keys ^ (keys >> 27)) * 0x94D049BB133111EBUL;
    keys ^= keys >> 31;
    const uint first_key = (uint)keys;
    const uint second_key = (uint)(keys >> 32);
    const uint i = (uint)get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
        uint4 drawn = (uint4)(i, i + 1, i + 2, i + 3);
        DRAW(drawn);
        PUT4(TY, y + i, select((float4)(0.0f), GET4(TX, x + i) / kept, drawn >= (uint4)(threshold)));
    }
    else
    {
        for (uint k = i; k < min(i + WIDE, (uint)count); k++)
        {
            uint drawn = k;
            DRAW(drawn);
            PUT(TY, y + k, drawn >= threshold ? GET(TX, x + k) / kept : 0.0f);
        }
    }
}
