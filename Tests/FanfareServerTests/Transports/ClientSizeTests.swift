import FanfareCore
import FanfareProtocols
import FanfareWire
import Testing

@testable import FanfareServer

/// What a client is made of. A node has as many of each as clients, and an idle one shall cost 3 KB with all that the kernel is
/// not (docs/performance.md has the figure): who adds a field sees here what it costs, in bytes.
@Suite("Client: size of an idle one")
struct ClientSizeTests {
    @Test("its parts are as small as they were made")
    func parts() {
        let sizes: [(String, Int, atMost: Int)] = [
            ("Session", MemoryLayout<Session>.size, 91),
            ("HubMembership", MemoryLayout<HubMembership<Client>>.size, 12),
            ("WheelPlace", MemoryLayout<WheelPlace>.size, 12),
            ("Outbound", MemoryLayout<Client.Outbound>.size, 88),
            ("Inbound", MemoryLayout<Client.Inbound>.size, 64),
            ("ClientDeadlines", MemoryLayout<ClientDeadlines>.size, 16),
            ("KeepAliveStateMachine", MemoryLayout<KeepAliveStateMachine>.size, 14),
            ("ClientPlaces", MemoryLayout<ClientPlaces>.size, 48),
            ("WebSocketReader", MemoryLayout<WebSocketReader>.size, 128),
        ]
        for (name, size, limit) in sizes { #expect(size <= limit, "\(name): \(size) bytes") }
    }
}
