/// How nodes reach Redis, each on a way of its own that can be cut without a word to those who use it.
enum RedisPath: Sendable {
    /// As a network does it.
    case network(RedisNetwork)
    /// As far as a process without rights can.
    case relay(RedisRelay)

    func url(_ link: Int, port: Int) -> String {
        switch self {
        case .network(let network): "redis://\(network.address(link)):\(port)"
        case .relay(let relay): "redis://127.0.0.1:\(relay.port(link))"
        }
    }

    func cut(_ link: Int) async throws {
        switch self {
        case .network(let network): try await network.cut(link)
        case .relay(let relay): relay.cut(link)
        }
    }

    func mend(_ link: Int) async throws {
        switch self {
        case .network(let network): try await network.mend(link)
        case .relay(let relay): relay.mend(link)
        }
    }

    func remove() async {
        switch self {
        case .network(let network): await network.remove()
        case .relay(let relay): await relay.stop()
        }
    }
}
