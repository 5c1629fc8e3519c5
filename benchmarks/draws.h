/* Random numbers of the C programs: xoshiro256++ (Blackman & Vigna 2021, doi:10.1145/3460772) and a ziggurat of 256
   layers of equal area (Marsaglia & Tsang 2000, doi:10.18637/jss.v005.i08). */

#include <math.h>
#include <stdint.h>

typedef struct {
    uint64_t s[4];
} Stream;

static const double EDGE = 3.6541528853610088, AREA = 0.00492867323399; /* of the lowest layer, and of each */
static double layer_x[257], layer_f[257];

static inline uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline uint64_t bits(Stream *g)
{
    uint64_t *s = g->s, out = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

static inline double uniform(Stream *g) { return ((bits(g) >> 11) + 0.5) * 0x1p-53; }

/* Below n: the bias is below n / 2^64. */
static inline long below(Stream *g, long n) { return (long)(((unsigned __int128)bits(g) * (uint64_t)n) >> 64); }

static void fill_layers(void)
{
    double x = EDGE;
    layer_x[0] = AREA / exp(-EDGE * EDGE / 2);
    for (int i = 1; i < 256; i++) {
        layer_x[i] = x;
        x = sqrt(-2 * log(AREA / x + exp(-x * x / 2)));
    }
    layer_x[256] = 0;
    for (int i = 0; i < 257; i++)
        layer_f[i] = exp(-layer_x[i] * layer_x[i] / 2);
}

static double tail(Stream *g)
{
    double x, y;
    do {
        x = -log(uniform(g)) / EDGE;
        y = -log(uniform(g));
    } while (2 * y < x * x);
    return EDGE + x;
}

static inline double normal(Stream *g)
{
    for (;;) {
        uint64_t u = bits(g);
        int i = u & 255;
        double z = (u >> 11) * 0x1p-53 * layer_x[i], sign = u & 256 ? -1 : 1;
        if (z < layer_x[i + 1])
            return sign * z;
        if (i == 0)
            return sign * tail(g);
        if (layer_f[i] + uniform(g) * (layer_f[i + 1] - layer_f[i]) < exp(-z * z / 2))
            return sign * z;
    }
}

/* A stream of its own for each chain: splitmix64 of the seed and the chain. */
static Stream stream_of(uint64_t seed, long chain)
{
    Stream g;
    uint64_t state = seed * 0x9E3779B97F4A7C15u + (uint64_t)chain * 0xD1342543DE82EF95u;
    for (int k = 0; k < 4; k++) {
        uint64_t z = (state += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        g.s[k] = z ^ (z >> 31);
    }
    return g;
}
