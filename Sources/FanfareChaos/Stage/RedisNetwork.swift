import Foundation
import Synchronization

/// A network namespace for Redis, with a link of its own to each node: so links can be cut, one or all, without a word to
/// those who use them. Needs root and iproute2.
final class RedisNetwork: Sendable {
    let name: String
    private let links: Int
    /// The third number of the addresses of the first link.
    private let base: Int

    private init(name: String, links: Int, base: Int) {
        self.name = name
        self.links = links
        self.base = base
    }

    /// Whether this process may make one.
    static var isPossible: Bool {
        geteuid() == 0
            && ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].contains(where: FileManager.default.isExecutableFile)
    }

    /// Makes one; `nil` where the system does not let us.
    static func make(links: Int) async throws -> RedisNetwork? {
        guard isPossible else { return nil }
        await removeOrphans()
        let network = RedisNetwork(
            name: "\(prefix)\(getpid())-\(Int.random(in: 0...9_999))", links: links,
            base: try await freeBase(links: links))
        do {
            try await Command.run("ip", "netns", "add", network.name)
        } catch {
            return nil
        }
        do {
            try await network.lay()
        } catch {
            await network.remove()
            return nil
        }
        return network
    }

    /// Redis' address for that node.
    func address(_ link: Int) -> String { "10.199.\(base + link).2" }

    var launcher: [String] { ["ip", "netns", "exec", name] }

    /// Nothing gets through that link, and nobody is told.
    func cut(_ link: Int) async throws { try await inside("link", "set", "f\(link)", "down") }

    func mend(_ link: Int) async throws { try await inside("link", "set", "f\(link)", "up") }

    /// Its links go with it.
    func remove() async {
        _ = try? await Command.run("ip", "netns", "del", name)
        Self.taken.withLock { $0.subtract(base..<base + links) }
    }

    /// Third numbers that this process has given out.
    private static let taken = Mutex<Set<Int>>([])

    /// Numbers in a row that no address of this machine has; runs of other processes may be under way.
    private static func freeBase(links: Int) async throws -> Int {
        let addresses = try await Command.run("ip", "-o", "-4", "address", "show")
        return try taken.withLock { taken in
            let free = (0...250 - links).filter { base in
                (base..<base + links).allSatisfy { !taken.contains($0) && !addresses.contains(" 10.199.\($0).") }
            }
            guard let base = free.randomElement() else {
                throw Command.Failure(description: "no free network in 10.199.0.0/16")
            }
            taken.formUnion(base..<base + links)
            return base
        }
    }

    private static let prefix = "fanfare-chaos-"

    private func lay() async throws {
        try await inside("link", "set", "lo", "up")
        for link in 0..<links {
            let outside = "fc\(UInt16.random(in: 0...UInt16.max))-\(link)"
            try await Command.run(
                "ip", "link", "add", outside, "type", "veth", "peer", "name", "f\(link)", "netns", name)
            try await Command.run("ip", "address", "add", "10.199.\(base + link).1/30", "dev", outside)
            try await Command.run("ip", "link", "set", outside, "up")
            try await inside("address", "add", "\(address(link))/30", "dev", "f\(link)")
            try await inside("link", "set", "f\(link)", "up")
        }
    }

    private func inside(_ words: String...) async throws { try await Command.run(["ip", "-n", name] + words) }

    /// Namespaces of runs whose process was killed.
    private static func removeOrphans() async {
        let list = (try? await Command.run("ip", "netns", "list")) ?? ""
        for line in list.split(separator: "\n") {
            guard let name = line.split(separator: " ").first, name.hasPrefix(prefix),
                let pid = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), kill(pid, 0) != 0, errno == ESRCH
            else { continue }
            _ = try? await Command.run("ip", "netns", "del", String(name))
        }
    }
}
