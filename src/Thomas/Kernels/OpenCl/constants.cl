// y[0], y[1], .. = so many of 16 numbers. Numbers of the host come as arguments of launches that run once.
#define SET(k) if (count > k) y[k] = v##k;

kernel void put(ARG(float, y), const int count, const float v0, const float v1, const float v2, const float v3, const float v4, const float v5, const float v6,
    const float v7, const float v8, const float v9, const float v10, const float v11, const float v12, const float v13, const float v14, const float v15)
{
    USE(float, y);
    if (get_global_id(0) > 0) return;
    SET(0) SET(1) SET(2) SET(3) SET(4) SET(5) SET(6) SET(7) SET(8) SET(9) SET(10) SET(11) SET(12) SET(13) SET(14) SET(15)
}
