import FanfareTestKit
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Direct writes", .serialized)
struct DirectWriterTests {
    /// A socket, and the event loop's end of its connection.
    private func withConnection(_ body: (PlainSocket, any Channel) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let accepted = Mutex<(any Channel)?>(nil)
        let server = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            accepted.withLock { $0 = channel }
            return channel.eventLoop.makeSucceededVoidFuture()
        }.bind(host: "127.0.0.1", port: 0).get()
        let socket = try PlainSocket(try #require(server.localAddress?.port), receiveBuffer: 65_536)
        try await eventually("it is accepted") { accepted.withLock { $0?.isActive == true } }
        try await body(socket, try #require(accepted.withLock { $0 }))
        try await server.close()
        try await group.shutdownGracefully()
    }

    /// Sends pieces on the event loop. Returns what the writer says.
    private func send(_ pieces: [[UInt8]], _ channel: any Channel) async throws -> Int {
        try await channel.eventLoop.submit {
            guard let writer = DirectWriter(channel, enabled: true) else { return -2 }
            let memory = pieces.map { ByteBuffer(bytes: $0) }
            let places = memory.map { $0.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes } }
            return withExtendedLifetime(memory) { places.withUnsafeBufferPointer(writer.send) }
        }.get()
    }

    @Test("pieces arrive in order, more than fit one call and empty ones among them")
    func pieces() async throws {
        try await withConnection { socket, channel in
            let pieces = (0..<301).map { number in
                [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 3 == 1 ? 0 : number % 50)
            }
            let whole = pieces.flatMap { $0 }
            #expect(try await send(pieces, channel) == whole.count)
            try await eventually("all arrives") {
                socket.pull(upTo: 65_536)
                return socket.input.readableBytes == whole.count
            }
            #expect(Array(socket.input.readableBytesView) == whole)
        }
    }

    @Test("it says how much the kernel took when that is less, and that a connection is broken")
    func partial() async throws {
        try await withConnection { socket, channel in
            let pieces = (0..<200).map { [UInt8](repeating: UInt8($0), count: 100_000) }
            let sent = try await send(pieces, channel)
            #expect(sent > 0 && sent < 20_000_000)
            try await eventually("what it took arrives") {
                socket.pull(upTo: 1_048_576)
                return socket.input.readableBytes == sent
            }
            let whole = pieces.flatMap { $0 }
            #expect(socket.input.readableBytesView.elementsEqual(whole[..<sent]))
            socket.reset()
            try await eventually("it is broken") { try await send([[1], [2]], channel) < 0 }
        }
    }
}
