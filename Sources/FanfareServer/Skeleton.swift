import Configuration
import Hummingbird
import NIOCore
