import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Configuration: values against each other")
struct ConfigurationChecksTests {
    private func machine(files: Int) -> Machine { Machine(hostName: "b", cores: 1, maxOpenFiles: files) }

    @Test("pings come often enough for the shipped nginx, and their answers before the next one")
    func pings() async {
        #expect(await configurationProblems(flags: ["ping-interval": "67s"]).isEmpty)
        let rare = await configurationProblems(flags: ["ping-interval": "68s"])
        #expect(rare.count == 1 && rare[0].hasPrefix("flag --ping-interval: 1m8s") && rare[0].contains("nginx"))
        #expect(await configurationProblems(flags: ["pong-timeout": "24s"]).isEmpty)
        let late = await configurationProblems(environment: ["FANFARE_PONG_TIMEOUT": "25s"])
        #expect(late.count == 1 && late[0].hasPrefix("variable FANFARE_PONG_TIMEOUT: 25s must be shorter"))
        #expect(late.allSatisfy { $0.contains("default of ping-interval") })
    }

    @Test("sizes fit into each other")
    func sizes() async {
        #expect(await configurationProblems(flags: ["max-message-bytes": "1MiB"]).isEmpty)
        let message = await configurationProblems(flags: ["max-message-bytes": "2MiB"])
        #expect(message.count == 1 && message[0].contains("1MiB (default of max-queue-bytes)"))
        #expect(await configurationProblems(flags: ["max-header-field-bytes": "16KiB"]).isEmpty)
        let header = await configurationProblems(flags: ["max-header-bytes": "4KiB"])
        #expect(header.count == 1 && header[0].contains("4KiB of all fields (flag --max-header-bytes)"))
    }

    @Test("clients and operators can't share a port on an address")
    func ports() async {
        #expect(await configurationProblems(flags: ["admin-port": "8000"]).count == 1)
        #expect(await configurationProblems(flags: ["admin-port": "8000", "host": "127.0.0.1"]).count == 1)
        #expect(await configurationProblems(flags: ["admin-port": "8000", "host": "127.0.0.2"]).isEmpty)
        #expect(await configurationProblems(flags: ["admin-port": "0", "port": "0"]).isEmpty)
    }

    @Test("a node's name fits a header field", arguments: ["a\r\nb", "ä", "a b", String(repeating: "n", count: 65)])
    func names(name: String) async {
        #expect(await configurationProblems(flags: ["node-name": name]).count == 1)
    }

    @Test("a host name that is no node name is made one, and never an empty one")
    func hostNames() async throws {
        for (host, name) in [("my host!", "myhost"), ("ä", "fanfare"), ("", "fanfare")] {
            let machine = Machine(hostName: host, cores: 200, maxOpenFiles: 20_000)
            let configuration = try await readConfiguration(machine: machine).configuration
            #expect(configuration.nodeName == name)
            #expect(configuration.loops == 63)
        }
    }

    @Test("a file of authorities that can't be read is a problem at start", arguments: ["/no/such/file.pem", "/"])
    func authorities(path: String) async {
        let problems = await configurationProblems(flags: ["redis": "redis://a rediss://h", "redis-ca-file": path])
        #expect(problems.count == 1 && problems[0].hasPrefix("flag --redis-ca-file: '\(path)' can't be read"))
    }

    @Test(
        "a prefix with which another cluster's channels could be this one's is a problem",
        arguments: ["fanfare:b:", "fanfare", "a{b}:", "a*:", "a/3:", ":", "a b:", "\u{E9}:"])
    func prefixes(prefix: String) async throws {
        let problems = await configurationProblems(flags: ["redis": "redis://h", "redis-prefix": prefix])
        #expect(problems.count == 1 && problems[0].hasPrefix("flag --redis-prefix: '\(prefix)' can't be a prefix"))
        let good = try await readConfiguration(flags: ["redis": "redis://h", "redis-prefix": "a-B_0.9:"])
        #expect(good.configuration.redis.first?.prefix == "a-B_0.9:")
    }

    @Test("defaults follow the number of files that the system allows", arguments: [256, 1_024, 20_000, 60_000])
    func openFiles(files: Int) async throws {
        let result = try await readConfiguration(machine: machine(files: files))
        let limits = result.configuration.limits
        #expect(limits.maxConnections + limits.maxPendingConnections + limits.maxAdminConnections + 100 <= files)
        #expect(limits.maxConnections > files / 4)
        let entry = result.entries.first { $0.setting.name == "max-connections" }
        #expect(entry?.text == "\(limits.maxConnections)")
        #expect((entry?.origin == "default") == (limits.maxConnections == 50_000))
    }

    @Test(
        "more sockets than the system allows files are a problem, whichever setting asks for them",
        arguments: ["max-connections", "max-pending-connections", "max-admin-connections"])
    func tooManyFiles(setting: String) async {
        let problems = await configurationProblems(flags: [setting: "99000"], machine: machine(files: 20_000))
        #expect(problems.count == 1 && problems[0].hasPrefix("flag --\(setting): "))
        #expect(problems.allSatisfy { $0.contains("99000") && $0.contains("20000") && $0.contains("ulimit -Hn") })
    }

    @Test("a value that can't be read is told once, and not held against others through its default")
    func refused() async {
        let problems = await configurationProblems(
            flags: [
                "ping-interval": "soon", "pong-timeout": "30s", "max-queue-bytes": "x", "max-message-bytes": "2MiB",
            ])
        #expect(problems.count == 2, "\(problems)")
    }

    @Test("a mistake in the list of proxies is told with its entry; where nobody is trusted nobody is asked")
    func proxies() async throws {
        let problems = await configurationProblems(flags: ["trusted-proxies": "private, 10.0.0.1/8"])
        #expect(problems.count == 1 && problems[0].hasPrefix("flag --trusted-proxies: '10.0.0.1/8' has bits"))
        let idle = try await readConfiguration(flags: ["trusted-proxies": "none", "client-address": "proxy-protocol"])
        #expect(idle.warnings.count == 1 && idle.warnings[0].contains("client-address has no effect"))
        let peer = try await readConfiguration(flags: ["trusted-proxies": "none", "client-address": "peer"])
        #expect(peer.warnings == [])
    }
}
