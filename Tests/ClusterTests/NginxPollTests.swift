import FanfareTestKit
import Foundation
import Testing

/// Polls through a real nginx, without stickiness: each may land on another node.
@Suite("Cluster: polls through nginx", .serialized)
struct NginxPollTests {
    @Test(
        "a poller with a cursor hears everything once and in order, whichever node nginx chooses; a killed node is told"
    )
    func cursor() async throws {
        try await withCluster(flags: ["--poll-gap", "30s"]) { cluster in
            for node in cluster.nodes {
                try await eventually("all nodes are in view") { try await node.metric("fanfare_nodes") == 3 }
            }
            let client = PollClient(port: cluster.port, channel: "a")
            let begun = try await client.poll("cursor=new&wait=0")
            let home = try #require(begun.head["fanfare-node"])
            var cursor = try #require(begun.cursor)
            let count = 150
            async let published: Void = {
                for number in 1...count { try await cluster.nodes[number % 3].publish("a", "\(number)") }
            }()
            var (heard, polls, nodes) = ([Int](), 0, Set<String>())
            while heard.count < count {
                polls += 1
                let answer = try await client.poll("cursor=\(cursor)&wait=50s&route=r\(polls)")
                #expect(answer.head.status == 200)
                nodes.insert(answer.head["fanfare-node"] ?? "")
                heard += answer.lines.compactMap { $0.firstMatch(of: /"data":(\d+)/).flatMap { Int($0.1) } }
                cursor = try #require(answer.cursor)
            }
            try await published
            #expect(heard == Array(1...count) && nodes.count == 3)
            let waits = try await client.poll("cursor=\(cursor)&wait=0")
            #expect(waits.head.status == 204 && waits.cursor == cursor)
            try #require(cluster.nodes.first { $0.name == home }).signal(SIGKILL)
            try await eventually(within: .seconds(60), "its end is told") {
                let after = try await client.poll("cursor=\(cursor)&wait=0&route=s\(polls)")
                polls += 1
                return after.lines == [#"{"event":"reset"}"#] && after.cursor != nil
            }
        }
    }
}
