/* delta = V m of modes m <- decay m + spread xi: every step of every path is written, (paths, steps, P). */

#include "../draws.h"
#include <string.h>

void run(double *out, const double *V, const double *decay, const double *spread, const double *theta, long paths,
         long steps, uint64_t seed)
{
    fill_layers();
#pragma omp parallel for
    for (long path = 0; path < paths; path++) {
        Stream g = stream_of(seed, path);
        double m[P] = {0};
        for (long step = 0; step < steps; step++) {
            double at[P];
            memcpy(at, theta, sizeof at);
            for (int k = 0; k < P; k++) {
                m[k] = decay[k] * m[k] + spread[k] * normal(&g);
                for (int j = 0; j < P; j++)
                    at[j] += m[k] * V[k * P + j]; /* V transposed: one mode a row */
            }
            memcpy(out + (path * steps + step) * P, at, sizeof at);
        }
    }
}
