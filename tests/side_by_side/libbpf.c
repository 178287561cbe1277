// The topics of examples/side_by_side.cpp in C with libbpf: what docs/side-by-side/libbpf.md lays beside it. The test
// compares what both print.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static const char *object_path; /* build/progs/side_by_side.bpf.o */
static const char *pin_path = "/sys/fs/bpf/side_by_side";

struct event {
	__u32 pid;
	char command[16];
};

static int print_event(void *context, void *data, size_t size)
{
	struct event *event = data;

	(void)context;
	if (size >= sizeof(*event))
		printf("%.16s\n", event->command);
	return 0;
}

static void print_sample(void *context, int cpu, void *data, __u32 size)
{
	(void)cpu;
	print_event(context, data, size);
}

static void print_lost(void *context, int cpu, __u64 count)
{
	(void)context;
	fprintf(stderr, "CPU %d lost %llu\n", cpu, (unsigned long long)count);
}

static void execute_true(void)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* libbpf loads all programs but those that are told not to be. */
static struct bpf_object *open_with(const char *wanted)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	struct bpf_program *program;

	if (!object)
		fail(object_path);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, strstr(wanted, bpf_program__name(program)) != NULL);
	return object;
}

static struct bpf_object *load_with(const char *wanted)
{
	struct bpf_object *object = open_with(wanted);

	if (bpf_object__load(object))
		fail("load");
	return object;
}

static void load_object(void)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object || bpf_object__load(object))
		fail("load");
	bpf_object__for_each_map(map, object)
		printf("map %s\n", bpf_map__name(map));
	bpf_object__for_each_program(program, object)
		printf("program %s\n", bpf_program__name(program));
	bpf_object__close(object);
}

static void load_one_program(void)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	struct bpf_program *program;
	int count = 0;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), "count_execs"));
	if (bpf_object__load(object))
		fail("load");
	bpf_object__for_each_program(program, object)
		count += bpf_program__fd(program) >= 0;
	printf("%d program\n", count);
	bpf_object__close(object);
}

static void change_before_load(void)
{
	struct bpf_object *object = bpf_object__open_file(object_path, NULL);
	struct bpf_map *counts = bpf_object__find_map_by_name(object, "counts");
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata");
	__u32 step = 10;

	bpf_map__set_max_entries(counts, 16);
	bpf_map__set_initial_value(rodata, &step, sizeof(step)); /* all of the section: a skeleton has skel->rodata->step */
	if (bpf_object__load(object))
		fail("load");
	printf("%u entries\n", bpf_map__max_entries(counts));
	bpf_object__close(object);
}

static void attach_raw_tracepoint(void)
{
	struct bpf_object *object = load_with("landed");
	struct bpf_program *program = bpf_object__find_program_by_name(object, "landed");
	struct bpf_link *link = bpf_program__attach_raw_tracepoint(program, "sched_process_exec");

	if (!link)
		fail("attach");
	printf("attached\n");
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void attach_by_section(void)
{
	struct bpf_object *object = load_with("say_hello");
	struct bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object, "say_hello"));

	if (!link)
		fail("attach");
	printf("attached\n");
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void attach_tracepoint(void)
{
	struct bpf_object *object = load_with("say_hello");
	struct bpf_program *program = bpf_object__find_program_by_name(object, "say_hello");
	struct bpf_link *link = bpf_program__attach_tracepoint(program, "sched", "sched_process_exec");

	if (!link)
		fail("attach");
	printf("attached\n");
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void attach_kprobe(void)
{
	struct bpf_object *object = load_with("at_entry");
	struct bpf_program *program = bpf_object__find_program_by_name(object, "at_entry");
	struct bpf_link *link = bpf_program__attach_kprobe(program, false, "__x64_sys_execve");

	if (!link)
		fail("attach");
	printf("attached\n");
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void attach_kretprobe(void)
{
	struct bpf_object *object = load_with("at_return");
	struct bpf_program *program = bpf_object__find_program_by_name(object, "at_return");
	struct bpf_link *link = bpf_program__attach_kprobe(program, true, "__x64_sys_execve");

	if (!link)
		fail("attach");
	printf("attached\n");
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void hash_table(void)
{
	struct bpf_object *object = load_with("count_execs");
	struct bpf_map *counts = bpf_object__find_map_by_name(object, "counts");
	struct bpf_link *link;
	__u64 user = 1000, root = 0, key, value = 5;
	void *previous = NULL;
	int users = 0;

	bpf_map__update_elem(counts, &user, sizeof(user), &value, sizeof(value), BPF_ANY);
	link = bpf_program__attach(bpf_object__find_program_by_name(object, "count_execs"));
	execute_true();

	printf("root %s\n", bpf_map__lookup_elem(counts, &root, sizeof(root), &value, sizeof(value), 0) ?
				     "is not there" : "is counted");
	while (!bpf_map__get_next_key(counts, previous, &key, sizeof(key))) {
		previous = &key;
		users++;
	}
	printf("%s\n", users >= 2 ? "and others" : "and nobody else");
	bpf_map__delete_elem(counts, &root, sizeof(root), 0);
	bpf_link__destroy(link);
	bpf_object__close(object);
}

static void tail_calls(void)
{
	struct bpf_object *object = load_with("jump landed");
	struct bpf_map *jumps = bpf_object__find_map_by_name(object, "jumps");
	__u32 slot = 2;
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, "landed"));

	if (bpf_map__update_elem(jumps, &slot, sizeof(slot), &fd, sizeof(fd), BPF_ANY))
		fail("update");
	printf("filled\n");
	bpf_object__close(object);
}

static void perf_buffer(void)
{
	struct bpf_object *object = load_with("send_sample");
	int fd = bpf_object__find_map_fd_by_name(object, "samples");
	struct perf_buffer *samples = perf_buffer__new(fd, 64, print_sample, print_lost, NULL, NULL);
	struct bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object, "send_sample"));

	execute_true();
	perf_buffer__poll(samples, 100);
	bpf_link__destroy(link);
	perf_buffer__free(samples);
	bpf_object__close(object);
}

static void ring_buffer(void)
{
	struct bpf_object *object = load_with("send_event");
	int fd = bpf_object__find_map_fd_by_name(object, "events");
	struct ring_buffer *events = ring_buffer__new(fd, print_event, NULL, NULL);
	struct bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object, "send_event"));

	execute_true();
	ring_buffer__poll(events, 100);
	bpf_link__destroy(link);
	ring_buffer__free(events);
	bpf_object__close(object);
}

static void pin_map(void)
{
	struct bpf_object *object = load_with("count_execs");
	struct bpf_map *counts = bpf_object__find_map_by_name(object, "counts");
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int again;

	if (bpf_map__pin(counts, pin_path))
		fail("pin");
	again = bpf_obj_get(pin_path);
	bpf_obj_get_info_by_fd(again, &info, &size);
	printf("pinned: %s\n", info.name);
	close(again);
	bpf_map__unpin(counts, pin_path);
	bpf_object__close(object);
}

static void run_on_a_packet(void)
{
	struct bpf_object *object = load_with("drop_all");
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);

	if (bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, "drop_all")), &options))
		fail("run");
	printf("returned %u\n", options.retval);
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	const struct {
		const char *name;
		void (*show)(void);
	} topics[] = {
		{ "load_object", load_object },
		{ "load_one_program", load_one_program },
		{ "change_before_load", change_before_load },
		{ "attach_by_section", attach_by_section },
		{ "attach_kprobe", attach_kprobe },
		{ "attach_kretprobe", attach_kretprobe },
		{ "attach_tracepoint", attach_tracepoint },
		{ "attach_raw_tracepoint", attach_raw_tracepoint },
		{ "hash_table", hash_table },
		{ "tail_calls", tail_calls },
		{ "perf_buffer", perf_buffer },
		{ "ring_buffer", ring_buffer },
		{ "pin_map", pin_map },
		{ "run_on_a_packet", run_on_a_packet },
	};

	if (argc < 2)
		return 2;
	object_path = argv[1];
	for (int i = 2; i < argc; i++) {
		for (size_t j = 0; j < sizeof(topics) / sizeof(topics[0]); j++) {
			if (strcmp(argv[i], topics[j].name))
				continue;
			printf("%s:\n", argv[i]);
			topics[j].show();
			fflush(stdout);
		}
	}
	return 0;
}
