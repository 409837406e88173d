import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: failures", .serialized)
struct FailureTests {
    @Test("a node killed under traffic: the others' clients lose nothing, its own find a way back")
    func killedNode() async throws {
        try await withCluster { cluster in
            let publisher = try await cluster.nodes[1].raw("kill")
            let witness = try await cluster.nodes[2].raw("kill")
            let victim = try await cluster.raw("kill", on: cluster.nodes[0])
            for number in 0..<2_000 {
                publisher.sendLater("\(number)")
                if number == 700 { cluster.nodes[0].signal(SIGKILL) }
            }
            for number in 0..<2_000 { #expect(try await witness.nextText() == "\(number)") }
            try await eventually("the victim's connection is gone") { victim.socket.isClosed }
            let again = try await WebSocketClient.connect(cluster.port, "/channels/kill/ws")
            #expect(again.node != "node-1")
            try await publisher.send("after")
            // Its node may be behind the witness' and still deliver the last of the numbers.
            try await eventually("it hears what comes") { try await again.nextText() == "after" }
        }
    }

    @Test("SIGTERM: not ready at once, clients are told 1012 within the window, the exit is clean")
    func drain() async throws {
        try await withCluster(flags: ["--drain", "1s"]) { cluster in
            let node = cluster.nodes[0]
            var raws: [WebSocketClient] = []
            for _ in 0..<20 { raws.append(try await node.raw("drain")) }
            let centrifuge = try await node.centrifuge()
            let stays = try await cluster.nodes[1].raw("drain")
            let began = ContinuousClock.now
            node.terminate()
            try await eventually("it is not ready") { !(await node.isReady()) }
            for client in raws {
                #expect(try await client.closeCode() == 1012)
                await client.close()
            }
            #expect(try await centrifuge.socket.closeCode() == 1012)
            await centrifuge.close()
            #expect(ContinuousClock.now - began < .seconds(20))
            #expect(try await node.waitForExit() == 0)
            #expect(ContinuousClock.now - began < .seconds(25))
            let again = try await WebSocketClient.connect(cluster.port, "/channels/drain/ws")
            try await again.send("still here")
            #expect(try await stays.nextText() == "still here")
        }
    }

    @Test("a second signal ends the node at once")
    func secondSignal() async throws {
        try await withNode(flags: ["--drain", "60s"]) { node in
            let client = try await node.raw("a")
            node.terminate()
            try await eventually("it drains") {
                let isReady = await node.isReady()
                return node.log.contains("draining") && !isReady
            }
            node.terminate()
            #expect(try await node.waitForExit() == 1)
            await client.close()
        }
    }

    @Test("Redis killed and restarted: clients stay, publishes are refused with a clear error, and all heals")
    func redisRestart() async throws {
        try await withCluster { cluster in
            let listener = try await cluster.nodes[0].raw("heal")
            let client = try await cluster.nodes[1].centrifuge()
            try await client.subscribe("heal")
            await cluster.redis.kill()
            for node in cluster.nodes { try await eventually("\(node.name) is not ready") { !(await node.isReady()) } }
            let refused = try await client.publish("heal", "1")
            #expect(refused.errorCode == 100 && refused.isTemporary, "\(refused.text)")
            let late = try await client.subscribe("late")
            #expect(late.errorCode == 100 && late.isTemporary)
            #expect(try await cluster.nodes[0].publish("heal", "1").status == 503)
            #expect(try await HTTP.post(cluster.port, "/channels/heal", "1").status == 503)
            let readiness = try await HTTP.get(cluster.nodes[0].adminPort, "/readyz")
            #expect(readiness.status == 503 && readiness.body.contains("redis"))
            #expect(try await HTTP.get(cluster.nodes[0].adminPort, "/healthz").status == 200)
            do {
                _ = try await cluster.nodes[2].raw("heal")
                Issue.record("open means subscribed, and that can't be now")
            } catch let refused as WebSocketClient.Refused {
                #expect(refused.answer.status == 503 && refused.answer["retry-after"] != nil)
            }
            try await cluster.redis.restart()
            for node in cluster.nodes { try await eventually("\(node.name) is ready") { await node.isReady() } }
            try await client.publish("heal", #""back""#)
            #expect(try await listener.nextText() == #""back""#)
            #expect(try await client.nextPublication().data == #""back""#)
            #expect(try await cluster.nodes[0].metric("fanfare_redis_up") == 1)
            #expect(try await cluster.nodes[0].metric("fanfare_redis_reconnects_total") >= 2)
        }
    }

    @Test("Redis frozen, then its clients kicked: found, told, healed, clients stay")
    func redisFrozenAndKicked() async throws {
        // With the usual times, so that no link is taken for dead because the machine stands still for a while.
        try await withCluster { cluster in
            let listener = try await cluster.nodes[0].raw("ice")
            cluster.redis.freeze()
            for node in cluster.nodes { try await eventually("\(node.name) is not ready") { !(await node.isReady()) } }
            cluster.redis.thaw()
            for node in cluster.nodes { try await eventually("\(node.name) is ready") { await node.isReady() } }
            for type in ["pubsub", "normal"] {
                var before: [Double] = []
                for node in cluster.nodes { before.append(try await node.metric("fanfare_redis_reconnects_total")) }
                try await cluster.redis.command("CLIENT", "KILL", "TYPE", type)
                for (node, before) in zip(cluster.nodes, before) {
                    try await eventually("a link of \(node.name) came back") {
                        try await node.metric("fanfare_redis_reconnects_total") > before
                    }
                }
            }
            for node in cluster.nodes { try await eventually("\(node.name) is ready") { await node.isReady() } }
            try await eventually("it is published") {
                try await cluster.nodes[2].publish("ice", #""thawed""#).status == 200
            }
            #expect(try await listener.nextText() == #""thawed""#)
        }
    }

    @Test("a node starts without Redis, says why it is not ready, and is when Redis comes")
    func redisAwayAtStart() async throws {
        try await withRedis { redis in
            await redis.kill()
            try await withNode(redis: redis.url, isReady: false) { node in
                try await eventually("it says why") {
                    try await HTTP.get(node.adminPort, "/readyz").body.contains("cannot connect")
                }
                let client = try await node.centrifuge()
                try await redis.restart()
                try await eventually("it is ready") { await node.isReady() }
                try await client.subscribe("a")
                try await client.publish("a", "1")
                #expect(try await client.nextPublication().data == "1")
            }
        }
    }
}
