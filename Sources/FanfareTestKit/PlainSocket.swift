import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A TCP client on bare system calls that never blocks: it reads when a test says so, and as much as a test says.
///
/// Belongs to the task that made it.
public final class PlainSocket {
    private var descriptor: CInt
    private var output = ByteBuffer()

    /// What came and was not taken.
    public var input = ByteBuffer()
    /// Whether the connection has ended or is broken.
    public private(set) var isClosed = false
    /// Bytes that the kernel has not taken yet.
    public var unsentBytes: Int { output.readableBytes }

    /// Begins to connect to a port on loopback.
    ///
    /// - Parameters:
    ///   - receiveBuffer: bytes of the kernel's buffer; small ones fill fast when nothing is read.
    ///   - segment: most bytes of a packet. The peer's kernel sizes its send buffer by it: on loopback that is
    ///     megabytes unless packets are small.
    public init(_ port: Int, receiveBuffer: Int? = nil, segment: Int? = nil) throws {
        #if canImport(Glibc)
        let stream = CInt(SOCK_STREAM.rawValue)
        #else
        let stream = SOCK_STREAM
        #endif
        descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { throw NotInTime(what: "a socket: error \(errno)") }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if let receiveBuffer { set(SOL_SOCKET, SO_RCVBUF, CInt(receiveBuffer)) }
        if let segment { set(CInt(IPPROTO_TCP), TCP_MAXSEG, CInt(segment)) }
        set(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0, errno != EINPROGRESS { isClosed = true }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Sends bytes behind all others, as far as the kernel takes them now.
    public func send(_ bytes: ByteBuffer) {
        output.writeImmutableBuffer(bytes)
        push()
    }

    /// Sends what the kernel did not take before. Returns how much it took.
    @discardableResult
    public func push() -> Int {
        guard output.readableBytes > 0, !isClosed else { return 0 }
        let count = output.withUnsafeReadableBytes {
            sendBytes(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | noSignal)
        }
        guard keepsOpen(count) else { return 0 }
        output.moveReaderIndex(forwardBy: count)
        output.discardReadBytes()
        return count
    }

    /// Reads what has come, at most `limit` bytes. Returns how much there was.
    @discardableResult
    public func pull(upTo limit: Int) -> Int {
        guard !isClosed else { return 0 }
        var count = 0
        input.discardReadBytes()
        input.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { room in
            count = recv(descriptor, room.baseAddress, limit, CInt(MSG_DONTWAIT))
            return max(0, count)
        }
        if count == 0 { isClosed = true }
        return keepsOpen(count) ? count : 0
    }

    /// Waits until one of them can be read, or written where something waits for that.
    public static func wait(for sockets: [PlainSocket], milliseconds: Int) {
        var polled = sockets.filter { !$0.isClosed }.map { socket in
            pollfd(
                fd: socket.descriptor, events: Int16(POLLIN) | (socket.unsentBytes > 0 ? Int16(POLLOUT) : 0), revents: 0
            )
        }
        _ = poll(&polled, nfds_t(polled.count), CInt(milliseconds))
    }

    /// Ends the connection with a reset.
    public func reset() {
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        close(descriptor)
        descriptor = -1
        isClosed = true
    }

    private func set<Value: BitwiseCopyable>(_ level: CInt, _ name: CInt, _ value: Value) {
        var value = value
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Value>.size))
    }

    private func keepsOpen(_ count: Int) -> Bool {
        if count >= 0 { return true }
        if errno != EAGAIN, errno != EWOULDBLOCK, errno != EINTR { isClosed = true }
        return false
    }
}

#if canImport(Darwin)
private let noSignal: CInt = 0
#else
private let noSignal = CInt(MSG_NOSIGNAL)
#endif

/// Named, because `PlainSocket.send` hides it.
private func sendBytes(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: CInt) -> Int {
    send(descriptor, bytes, count, flags)
}
