/* h(x) = sum_j c_j (a_j x + b_j)+ + alpha x + beta, theta = (a, b, c, alpha, beta), M neurons, one of N data a step. */

#include "../draws.h"
#include <string.h>

enum { P = 3 * M + 2 };

void run(double *theta, const double *x, const double *y, double lr, double std, long chains, long steps, uint64_t seed)
{
    fill_layers();
#pragma omp parallel for
    for (long chain = 0; chain < chains; chain++) {
        Stream g = stream_of(seed, chain);
        double t[P], hidden[M], *a = t, *b = t + M, *c = t + 2 * M;
        memcpy(t, theta + chain * P, sizeof t);
        for (long step = 0; step < steps; step++) {
            long i = below(&g, N);
            double at = x[i], value = 0;
#pragma omp simd reduction(+ : value)
            for (int j = 0; j < M; j++) {
                double z = a[j] * at + b[j];
                hidden[j] = z > 0 ? z : 0;
                value += c[j] * hidden[j];
            }
            value += t[3 * M] * at + t[3 * M + 1];
            double scale = 2 * lr * (value - y[i] - std * normal(&g));
            for (int j = 0; j < M; j++) {
                double back = hidden[j] > 0 ? scale * c[j] : 0;
                a[j] -= back * at;
                b[j] -= back;
                c[j] -= scale * hidden[j];
            }
            t[3 * M] -= scale * at;
            t[3 * M + 1] -= scale;
        }
        memcpy(theta + chain * P, t, sizeof t);
    }
}
