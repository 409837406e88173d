import FanfareCore
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension LoopState {
    /// Nothing comes back from a reader, so one that is gone without a word is found by TCP: here when it has acknowledged or
    /// taken nothing new for so long (tcp(7), `TCP_USER_TIMEOUT`), by itself after some 15 minutes. Later than the node finds a
    /// slow consumer, which is told why it ends.
    func boundSilence(of channel: any Channel) {
        #if os(Linux)
        let configuration = node.configuration
        let ping = configuration.keepAlive.pingInterval.map { $0 + configuration.keepAlive.pongTimeout } ?? .zero
        let milliseconds = (configuration.limits.slowTimeout + ping).microseconds / 1_000
        try? channel.syncOptions?.setOption(
            .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: SocketOptionValue(clamping: milliseconds))
        #endif
    }
}
