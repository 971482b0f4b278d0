from tokenguard.masking.current import mask as mask
from tokenguard.masking.current import unmask as unmask
from tokenguard.masking.install import install as install
from tokenguard.masking.leak import Leak as Leak

__version__: str
