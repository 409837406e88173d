import Testing

@testable import FanfareServer

@Suite("Memory of the process")
struct MemoryLimitTests {
    @Test("the files of a control group and of all above it, in both versions")
    func files() {
        #expect(
            MemoryLimit.files(controlGroups: "0::/system.slice/fanfare.service\n") == [
                "/sys/fs/cgroup/system.slice/fanfare.service/memory.max", "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ])
        #expect(MemoryLimit.files(controlGroups: "0::/\n") == ["/sys/fs/cgroup/memory.max"])
        #expect(
            MemoryLimit.files(controlGroups: "12:cpu,cpuacct:/docker/a\n7:memory:/docker/a\n1:name=systemd:/x\n") == [
                "/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ])
        #expect(MemoryLimit.files(controlGroups: "0::/../../other\n") == ["/sys/fs/cgroup/memory.max"])
    }

    @Test("nothing that is no line of that file gives one", arguments: ["", "\n", "x", "0:", "::", "a:b:c", "0:x:/y"])
    func noFiles(text: String) { #expect(MemoryLimit.files(controlGroups: text).isEmpty) }

    @Test("the least of what is known counts; 'max', what no machine has and nonsense do not")
    func least() {
        #expect(MemoryLimit.least(physical: 8_000, limits: ["max\n", "500\n", "9000"]) == 500)
        #expect(MemoryLimit.least(physical: 8_000, limits: ["9223372036854771712\n"]) == 8_000)
        #expect(MemoryLimit.least(physical: 8_000, limits: ["", "x", "-1", "0", "99999999999999999999"]) == 8_000)
        #expect(MemoryLimit.least(physical: nil, limits: ["max"]) == nil)
        #expect(MemoryLimit.least(physical: nil, limits: ["7"]) == 7)
    }

    @Test("this machine has some")
    func current() throws { #expect(try #require(MemoryLimit.current) > 1_000_000) }

    @Test("all queues together get a quarter of it by default, and never less than one client's")
    func settings() async throws {
        func limit(_ flags: [String: String], memory: Int?) async throws -> Int {
            let machine = Machine(hostName: "b", cores: 1, maxOpenFiles: 100_000, memoryBytes: memory)
            return try await readConfiguration(flags: flags, machine: machine).configuration.limits.maxNodeQueueBytes
        }
        #expect(try await limit([:], memory: 1 << 30) == 1 << 28)
        #expect(try await limit(["max-queue-bytes": "1GiB"], memory: 1 << 30) == 1 << 30)
        #expect(try await limit(["max-queue-bytes": "1GiB"], memory: nil) == 1 << 30)
        #expect(try await limit(["max-node-queue-bytes": "3MiB"], memory: 1 << 30) == 3 << 20)
        let problems = await configurationProblems(flags: ["max-node-queue-bytes": "100KiB"])
        #expect(problems.count == 1 && problems[0].contains("1MiB of one (default of max-queue-bytes)"))
    }
}
