import FanfareTestKit
import Foundation
import Synchronization

/// A Centrifuge client that is in a channel and notes who comes and goes.
final class PresenceWatcher: Sendable {
    let client: CentrifugeClient
    private let heard = Mutex<[String]>([])
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

    static func start(_ node: Node, _ channel: String) async throws -> PresenceWatcher {
        let watcher = PresenceWatcher(try await node.centrifuge())
        try await watcher.client.subscribe(channel)
        let task = Task { [client = watcher.client] in
            while let message = try? await client.read(within: .seconds(600)) {
                guard let event = message.presence, event.channel == channel else { continue }
                watcher.heard.withLock { $0.append((event.isJoin ? "+" : "-") + event.client) }
            }
        }
        watcher.task.withLock { $0 = task }
        return watcher
    }

    private init(_ client: CentrifugeClient) { self.client = client }

    /// `+client` and `-client` in the order in which they came.
    var events: [String] { heard.withLock(\.self) }

    func stop() async {
        task.withLock(\.self)?.cancel()
        await client.close()
    }
}

extension Node {
    /// The clients in a channel, by the server API.
    func members(_ channel: String) async throws -> Set<String> {
        let answer = try await HTTP.post(adminPort, "/api/presence", "{\"channel\":\"\(channel)\"}")
        let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any]
        guard let members = (object?["result"] as? [String: Any])?["presence"] as? [String: Any] else {
            throw NotInTime(what: "presence; got \(answer.body)")
        }
        return Set(members.keys)
    }
}
