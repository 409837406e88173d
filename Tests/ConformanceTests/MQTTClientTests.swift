import FanfareTestKit
import Testing

/// Clients of MQTT that others wrote, as they are, against real nodes.
@Suite("Third-party clients of MQTT", .serialized)
struct MQTTClientTests {
    @Test(
        "paho-mqtt on a WebSocket through nginx, on two nodes, in both versions: QoS, order, properties, retained, refusals"
    )
    func python() async throws {
        let flags = [
            "--namespaces",
            "state: history=1/10m recovery=cache; log: history=500/10m; room: presence; *: publish=clients",
        ]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            let log = try await run(
                "mqtt_check.py", "127.0.0.1", "\(cluster.port)", "http://127.0.0.1:\(cluster.nodes[1].adminPort)",
                within: .seconds(300))
            #expect(log.contains("ok all of it"), "\(log)")
        }
    }
}
