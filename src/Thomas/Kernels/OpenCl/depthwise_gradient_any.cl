// Gradients of a convolution of each channel by itself, for any window and several result channels for each channel.

// An element of dx a work-item.
kernel void input_gradient_any(ARG(const float, dy), ARG(const float, filter), ARG(float, dx), const int items, const int h, const int w, const int channels,
    const int oh, const int ow, const int top, const int left, const int multiplier, const int kh, const int kw, const int sh, const int sw, const int dh,
    const int dw)
{
    USE_ONLY(const float, dy);
    USE_ONLY(const float, filter);
    USE_ONLY(float, dx);
    const int item = get_global_id(0);
    if (item >= items) return;
    const int c = item % channels, pixel = item / channels, column = pixel % w, row = pixel / w % h, n = pixel / w / h, outputs = channels * multiplier;
    float sum = 0;
    for (int i = 0; i < kh; i++)
    {
        const int up = row + top - i * dh, p = up / sh;
        if (up < 0 || up % sh != 0 || p >= oh) continue;
        for (int j = 0; j < kw; j++)
        {
            const int across = column + left - j * dw, q = across / sw;
            if (across < 0 || across % sw != 0 || q >= ow) continue;
            const int at = ((n * oh + p) * ow + q) * outputs + c * multiplier, tap = (i * kw + j) * outputs + c * multiplier;
            for (int m = 0; m < multiplier; m++) sum += dy[at + m] * filter[tap + m];
        }
    }

    dx[item] = sum;
}

// Dimension 0 is the result's channel; a group of dimension 1 is a tap's chunk of result pixels, which its lanes share.
kernel void filter_gradient_any(ARG(const TX, x), ARG(const float, dy), ARG(float, d_filter), const int pixels, const int h, const int w, const int channels,
    const int oh, const int ow, const int top, const int left, const int multiplier, const int taps, const int kw, const int sh, const int sw, const int dh,
    const int dw, const int chunk_pixels, local float *sums)
{
    USE_ONLY(const TX, x);
    USE_ONLY(const float, dy);
    USE_ONLY(float, d_filter);
    const int o = get_global_id(0), outputs = channels * multiplier, lane = get_local_id(1), lanes = get_local_size(1), width = get_local_size(0);
    const int group = GROUP(1), tap = group % taps, chunk = group / taps, place = lane * width + (int)get_local_id(0);
    const int down = tap / kw * dh - top, across = tap % kw * dw - left, end = o < outputs ? min(pixels, (chunk + 1) * chunk_pixels) : 0;
    float sum = 0;
    for (int pixel = chunk * chunk_pixels + lane; pixel < end; pixel += lanes)
    {
        const int q = pixel % ow, p = pixel / ow % oh, n = pixel / ow / oh, row = p * sh + down, column = q * sw + across;
        if (row >= 0 && row < h && column >= 0 && column < w)
            sum += dy[pixel * outputs + o] * GET(TX, x + (((n * h + row) * w + column) * channels + o / multiplier));
    }

    sums[place] = sum;
    for (int reach = lanes / 2; reach > 0; reach /= 2)
    {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < reach)
        {
            sum += sums[place + reach * width];
            sums[place] = sum;
        }
    }

    if (lane == 0 && o < outputs) d_filter[group * outputs + o] = sum;
}
