
// Serves the table `entries` over standard input and output. Numbers are little-endian as they lie in
// memory; lengths are 64 bits, the rest 32.
// - first: a number of buffers and the bytes of each; the answer is the address of each
// - 1: buffer, offset, length, bytes: writes into a buffer
// - 2: buffer, offset, length: reads; the answer is the bytes
// - 3: entry, grid, block, shared bytes, whether backwards, length and bytes of the struct: runs a kernel;
//   the answer is one byte

namespace host {

// Bytes after shared memory and buffers that nobody may write. AddressSanitizer has its own.
constexpr size_t FENCE =
#if defined(HOST_ADDRESS_SANITIZER)
    0;
#else
    256;
#endif

HOST_QUIET void fill(unsigned char *at, size_t bytes) {
    volatile unsigned char *to = at;
    for (size_t i = 0; i < bytes; ++i) to[i] = (unsigned char)(GARBAGE >> 8 * (i % 4));
}

HOST_QUIET bool untouched(const unsigned char *at) {
    const volatile unsigned char *from = at;
    for (size_t i = 0; i < FENCE; ++i)
        if (from[i] != (unsigned char)(GARBAGE >> 8 * (i % 4))) return false;
    return true;
}

struct Buffer {
    unsigned char *at;
    size_t bytes;
};

// Memory of exactly so many bytes and a fence.
HOST_QUIET unsigned char *taken(size_t bytes) {
    void *at = nullptr;
    if (posix_memalign(&at, 256, bytes + FENCE) != 0) fail("no memory for a buffer");
    fill(static_cast<unsigned char *>(at) + bytes, FENCE);
    return static_cast<unsigned char *>(at);
}

void get(void *to, size_t bytes) {
    if (bytes > 0 && std::fread(to, 1, bytes, stdin) != bytes) std::exit(0);
}
template <class T>
T get() {
    T x;
    get(&x, sizeof(T));
    return x;
}

HOST_QUIET void set_block(uint64_t number, dim3 grid) {
    blockIdx.x = unsigned(number % grid.x);
    blockIdx.y = unsigned(number / grid.x % grid.y);
    blockIdx.z = unsigned(number / grid.x / grid.y);
}

void launch(dim3 grid, unsigned block, size_t bytes) {
    if (block == 0 || block > MOST_THREADS) fail("a block of no size that a GPU has");
    for (Team &each : teams) {
        team = &each;
        make_threads(each, block);
        each.shared = taken(bytes);
    }
    gridDim = grid;
    blockDim = dim3{block, 1, 1};
    release(&begun);
    const uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks; ++i) {
        const uint64_t number = backwards ? blocks - 1 - i : i;
        set_block(number, grid);
        team = &teams[i % TEAMS];
        fill(team->shared, bytes);
        run_block(block);
        if (!untouched(team->shared + bytes)) fail("a block writes beyond its shared memory");
    }
    acquire(&done);
    for (Team &each : teams) std::free(each.shared);
}

} // namespace host

int main() {
    using namespace host;
#if defined(HOST_THREAD_SANITIZER)
    outside_fiber = __tsan_get_current_fiber();
#endif
    const unsigned count = get<unsigned>();
    Buffer *buffers = new Buffer[count + 1];
    for (unsigned i = 0; i < count; ++i) {
        buffers[i].bytes = get<uint64_t>();
        buffers[i].at = taken(buffers[i].bytes);
        std::memset(buffers[i].at, 0, buffers[i].bytes);
    }
    for (unsigned i = 0; i < count; ++i) {
        const uint64_t address = uint64_t(reinterpret_cast<uintptr_t>(buffers[i].at));
        std::fwrite(&address, 8, 1, stdout);
    }
    std::fflush(stdout);
    for (;;) {
        const unsigned command = get<unsigned>();
        if (command == 3) {
            const unsigned number = get<unsigned>();
            dim3 grid;
            grid.x = get<unsigned>();
            grid.y = get<unsigned>();
            grid.z = get<unsigned>();
            const unsigned block = get<unsigned>();
            const size_t shared = get<uint64_t>();
            backwards = get<unsigned>() != 0;
            const size_t length = get<uint64_t>();
            void *of = std::malloc(length);
            get(of, length);
            if (number >= sizeof(entries) / sizeof(entries[0])) fail("no such kernel");
            entry = entries[number];
            argument = of;
            launch(grid, block, shared);
            std::free(of);
            for (unsigned i = 0; i < count; ++i)
                if (!untouched(buffers[i].at + buffers[i].bytes)) {
                    std::fprintf(stderr, "a kernel writes beyond buffer %u\n", i);
                    _exit(1);
                }
            std::fputc(1, stdout);
        } else {
            const unsigned buffer = get<unsigned>();
            const uint64_t offset = get<uint64_t>(), length = get<uint64_t>();
            if (buffer >= count || offset + length > buffers[buffer].bytes) fail("no such place in a buffer");
            if (command == 1)
                get(buffers[buffer].at + offset, length);
            else
                std::fwrite(buffers[buffer].at + offset, 1, length, stdout);
        }
        std::fflush(stdout);
    }
}
