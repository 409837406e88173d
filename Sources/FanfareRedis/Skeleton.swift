import NIOCore
import CHiredis
import NIOSSL
